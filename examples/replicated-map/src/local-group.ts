// Members as processes on this machine, on free ports, each with a folder of its own: started, made
// to suffer, and ended. For `start.ts` and the tests.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const STOP_MS_MAX = 10_000;

/** How a group is started. */
export interface LocalGroupOptions {
  /** Where the members' folders are made. */
  readonly folder: string;
  /** The first members' ids: 1 to so many. */
  readonly members: number;
  /** Further arguments of every member. */
  readonly args?: readonly string[];
  /** Told when a member has ended without being asked to. */
  readonly onDeath?: (id: number, how: string) => void;
}

/** Processes of one group. */
export class LocalGroup implements AsyncDisposable {
  readonly ids: readonly number[];
  readonly #options: LocalGroupOptions;
  readonly #addresses: ReadonlyMap<number, string>;
  readonly #http: ReadonlyMap<number, string>;
  readonly #processes = new Map<number, ChildProcess>();
  #ending = false;

  private constructor(options: LocalGroupOptions, ports: readonly number[]) {
    this.#options = options;
    this.ids = Array.from({ length: options.members }, (_, at) => at + 1);
    const local = (port: number | undefined) => `127.0.0.1:${port}`;
    this.#addresses = new Map(this.ids.map((id, at) => [id, local(ports[2 * at])]));
    this.#http = new Map(this.ids.map((id, at) => [id, local(ports[2 * at + 1])]));
  }

  /** Starts all members; each listens when this resolves. */
  static async start(options: LocalGroupOptions): Promise<LocalGroup> {
    const group = new LocalGroup(options, await freePorts(2 * options.members));
    try {
      await Promise.all(group.ids.map((id) => group.start(id)));
      return group;
    } catch (error) {
      await group.close();
      throw error;
    }
  }

  /** The arguments that a member is started with. */
  argsOf(id: number): string[] {
    const members = [...this.#addresses].map(([each, address]) => `${each}=${address}`).join();
    const data = path.join(this.#options.folder, String(id));
    const own = ["--id", String(id), "--http", this.#http.get(id) as string, "--data", data];
    return [...own, "--members", members, ...(this.#options.args ?? [])];
  }

  /** Where a member answers. */
  url(id: number): string {
    return `http://${this.#http.get(id)}`;
  }

  /** The process of a member; undefined while it has none. */
  pid(id: number): number | undefined {
    return this.#processes.get(id)?.pid;
  }

  /** Starts a member, with whatever is in its folder, and waits until it listens. */
  async start(id: number): Promise<void> {
    if (this.#processes.has(id)) return;
    await mkdir(path.join(this.#options.folder, String(id)), { recursive: true });
    const child = fork(MAIN, this.argsOf(id), { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    this.#processes.set(id, child);
    child.once("exit", (code, signal) => {
      this.#processes.delete(id);
      if (!this.#ending) this.#options.onDeath?.(id, signal ?? `exit code ${code}`);
    });
    const ended = once(child, "exit").then(() => {
      throw new Error(`member ${id} ended before it listened`);
    });
    await Promise.race([once(child, "message"), ended]);
    ended.catch(() => {}); // ends it may, from now on
  }

  /** Sends a signal to a member's process; after SIGKILL, waits for its end. */
  async signal(id: number, signal: NodeJS.Signals): Promise<void> {
    const child = this.#processes.get(id);
    if (child === undefined) return;
    const ended = signal === "SIGKILL" ? once(child, "exit") : undefined;
    child.kill(signal);
    await ended;
  }

  /** Ends all members; one that takes too long is killed. */
  async close(): Promise<void> {
    this.#ending = true;
    await Promise.all(
      [...this.#processes.values()].map(async (child) => {
        const ended = once(child, "exit");
        child.kill("SIGCONT");
        child.kill("SIGTERM");
        const killer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
        await ended;
        clearTimeout(killer);
      }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

// All are held until all are known, so that no two are the same.
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
