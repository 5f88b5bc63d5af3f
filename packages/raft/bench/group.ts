// The three processes of a benched group, and the disk that they stand on, by itself.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { OpenFile } from "@compendium/runtime";
import { NodeFiles } from "@compendium/runtime/node";
import type { Answer, Question } from "./member.ts";

const MEMBER = fileURLToPath(new URL("member.ts", import.meta.url));
const IDS = [1, 2, 3];

/** Three members, each a process. */
export class Group {
  readonly #folder: string;
  readonly #members: string;
  readonly #flags: readonly string[];
  readonly #processes = new Map<number, ChildProcess>();

  private constructor(folder: string, ports: readonly number[], flags: readonly string[]) {
    this.#folder = folder;
    this.#flags = flags;
    this.#members = IDS.map((id, at) => `${id}=127.0.0.1:${ports[at]}`).join();
  }

  /** Starts a group, and waits until it has a leader. */
  static async start(folder: string, flags: readonly string[]): Promise<Group> {
    const group = new Group(folder, await freePorts(IDS.length), flags);
    await Promise.all(IDS.map((id) => group.start(id)));
    await group.leader();
    return group;
  }

  /** Starts a member, with what is in its folder. */
  async start(id: number): Promise<void> {
    const folder = path.join(this.#folder, String(id));
    mkdirSync(folder, { recursive: true });
    const args = ["--id", String(id), "--members", this.#members, "--folder", folder];
    const child = fork(MEMBER, [...args, ...this.#flags]);
    this.#processes.set(id, child);
    await once(child, "message");
  }

  /** Asks a member, one question at a time. */
  async ask(id: number, question: Question): Promise<Answer> {
    const child = this.#processes.get(id) as ChildProcess;
    const answer = once(child, "message");
    child.send(question);
    return (await answer)[0] as Answer;
  }

  /** Who leads, once all that run agree. */
  async leader(): Promise<number> {
    for (;;) {
      const ids = [...this.#processes.keys()];
      const answers = await Promise.all(ids.map((id) => this.ask(id, { ask: "status" })));
      const [{ lead = 0 } = {}] = answers;
      const leads = answers[ids.indexOf(lead)]?.leads === true;
      if (leads && answers.every((each) => each.lead === lead)) return lead;
      await sleep(20);
    }
  }

  /** Resolves when all members have committed as much. */
  async even(): Promise<void> {
    for (;;) {
      const answers = await Promise.all(IDS.map((id) => this.ask(id, { ask: "status" })));
      if (new Set(answers.map(({ committed }) => committed)).size === 1) return;
      await sleep(20);
    }
  }

  /** The processor's time that all members have used, in microseconds. */
  async cpuUs(): Promise<number> {
    const answers = await Promise.all(IDS.map((id) => this.ask(id, { ask: "cpu" })));
    return answers.reduce((sum, { cpuUs = 0 }) => sum + cpuUs, 0);
  }

  /** Kills the leader; resolves to the milliseconds until a proposal succeeds at another member. */
  async killLeader(): Promise<number> {
    const leader = await this.leader();
    const child = this.#processes.get(leader) as ChildProcess;
    this.#processes.delete(leader);
    const killedAt = performance.now();
    child.kill("SIGKILL");
    const others = [...this.#processes.keys()];
    const successes = others.map((id) => this.ask(id, { ask: "first success" }));
    await Promise.race(successes);
    const tookMs = performance.now() - killedAt;
    await Promise.all(successes);
    await this.start(leader);
    await this.leader();
    await this.even();
    return tookMs;
  }

  /** Ends all members. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#processes.values()].map(async (child) => {
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
      }),
    );
  }
}

/** A file of zeros, as a segment is one. */
export class BareDisk {
  readonly #file: OpenFile;
  readonly #record: Uint8Array;
  #offset = 0;

  private constructor(file: OpenFile, recordBytes: number) {
    this.#file = file;
    this.#record = new Uint8Array(recordBytes).fill(7);
  }

  static async open(folder: string, recordBytes: number): Promise<BareDisk> {
    const file = await new NodeFiles(folder).open(`bare-${Math.random()}`, { create: "always" });
    await file.allocate(2 ** 24);
    await file.sync();
    return new BareDisk(file, recordBytes);
  }

  /** Writes a record and syncs, so many times; how long each took, in milliseconds. */
  async measure(count: number): Promise<number[]> {
    const latencies: number[] = [];
    for (let at = 0; at < count; at++) {
      const startedAt = performance.now();
      await this.#file.write(this.#record, this.#offset);
      await this.#file.sync();
      latencies.push(performance.now() - startedAt);
      this.#offset = (this.#offset + this.#record.length) % (2 ** 24 - this.#record.length);
    }
    return latencies;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
