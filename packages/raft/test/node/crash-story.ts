// A day in the life of a group, told so that it comes to its end whatever befalls one of its
// members on the way: commands of a session, snapshots, a member that joins and gets a vote, one
// that loses its power, one that is removed. What was acknowledged is noted, to be found again at
// the end.
import assert from "node:assert/strict";
import type { Fault } from "@compendium/simulation";
import { type RaftNode, RaftNodeError, type RaftNodeOptions } from "../../src/node/index.ts";
import { command, placeOf } from "./ledger.ts";
import { type Call, TestGroup, type TestMember, watch } from "./test-group.ts";

/** An operation of a member's disk. */
export interface DiskEffect {
  readonly member: number;
  /** Which of all the effects that the member asked for, in all its lives. */
  readonly effect: number;
}

const ATTEMPT_MS = 500;
const ATTEMPTS_MAX = 40;
const OPTIONS = { snapshotEntries: 9, catchUpEntries: 2, segmentBytes: 4_096, timeoutMs: 400 };

/** What a story has seen. */
export interface Told {
  /** Under which seed. */
  readonly seed: number;
  /** What the disks were asked for. */
  readonly effects: readonly DiskEffect[];
  /** Whose life came to an end, and when. */
  readonly crashes: readonly string[];
}

/** Tells the story to its end; throws where something is not as it must be. */
export async function tell(seed: number, faults: readonly Fault[] = []): Promise<Told> {
  const effects: DiskEffect[] = [];
  let group: TestGroup | undefined;
  const wrap = (options: RaftNodeOptions): RaftNodeOptions => {
    const { id: member, files } = options;
    const note = () => {
      const { effects: effect } = (group as TestGroup).simulation.node(`n${member}`);
      effects.push({ member, effect });
    };
    return { ...options, files: noted(files, note) };
  };
  group = TestGroup.make({ seed, spares: 1, options: OPTIONS, faults, wrap });
  const story = new Story(group);
  await story.tell();
  story.check();
  return { seed, effects, crashes: group.crashes };
}

class Story {
  readonly #group: TestGroup;
  // Which command was acknowledged to be at which place.
  readonly #acknowledged = new Map<number, string>();
  #session = 0;
  #sequence = 0;
  #turn = 0;

  constructor(group: TestGroup) {
    this.#group = group;
  }

  async tell(): Promise<void> {
    const group = this.#group;
    this.#session = (await this.#ask("a session", (node) => node.openSession())).id;
    for (let at = 0; at < 8; at++) await this.#run(`early ${at}`);
    await this.#run("long ".repeat(600));
    await this.#change(
      "4 learns",
      (node) => node.addLearner(4, "n4"),
      ({ learners }) => learners.includes(4),
    );
    await group.boot(group.member(4));
    for (let at = 0; at < 4; at++) await this.#run(`while 4 learns ${at}`);
    await this.#change(
      "4 votes",
      (node) => node.promote(4),
      ({ incoming }) => incoming.includes(4),
    );
    // All of them, whether or not somebody is down at the moment.
    group.simulation.crash("n2", "power", 100_000);
    for (let at = 0; at < 6; at++) await this.#run(`while 2 is away ${at}`);
    await this.#change(
      "3 leaves",
      (node) => node.remove(3),
      ({ incoming }) => !incoming.includes(3),
    );
    for (let at = 0; at < 8; at++) await this.#run(`late ${at}`);
    const members = [1, 2, 4].map((id) => group.member(id));
    await group.until("those who stay live", () =>
      members.every((each) => group.alive.includes(each)),
    );
    await group.leader(members);
    await this.#run("end");
    await group.agree(members);
  }

  /** Everything that was acknowledged is where it was said to be, and nothing is there twice. */
  check(): void {
    for (const id of [1, 2, 4]) {
      const { ledger, refusal, failure } = this.#group.member(id);
      assert.deepEqual([refusal, failure], [undefined, undefined], `member ${id} has stopped`);
      const found = new Map(ledger.texts.map((text, at) => [at + 1, text]));
      assert.deepEqual(found, this.#acknowledged, `member ${id}`);
    }
  }

  async #run(text: string): Promise<void> {
    const session = { id: this.#session, sequence: ++this.#sequence, acknowledged: 0 };
    session.acknowledged = session.sequence - 1;
    const answer = await this.#ask(text, (node) => node.propose(command(text), { session }));
    const place = placeOf(answer);
    assert.ok(!this.#acknowledged.has(place), `two commands are at place ${place}`);
    this.#acknowledged.set(place, text);
  }

  // Asks one member after the other until one answers.
  async #ask<T>(what: string, ask: (node: RaftNode) => Promise<T>): Promise<T> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const member = await this.#anybody();
      const call = watch(ask(member.node));
      await this.#wait(member, call);
      if (call.value !== undefined) return call.value;
      this.#mayFail(call.error);
    }
    return assert.fail(`nobody has answered: ${what}`);
  }

  // Asks the leader of the moment until it is done.
  async #change(
    what: string,
    change: (node: RaftNode) => Promise<void>,
    isDone: (configuration: ReturnType<RaftNode["status"]>["configuration"]) => boolean,
  ): Promise<void> {
    const group = this.#group;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const leader = group.alive.find(({ node }) => node.leadership.isLeader);
      if (leader !== undefined) {
        if (isDone(leader.node.status().configuration)) return;
        const call = watch(change(leader.node));
        await this.#wait(leader, call);
        this.#mayFail(call.error);
      }
      await group.run(ATTEMPT_MS / 10);
    }
    assert.fail(`the change was not made: ${what}`);
  }

  async #anybody(): Promise<TestMember> {
    const group = this.#group;
    await group.until("somebody lives", () => group.alive.length > 0);
    const { alive } = group;
    return alive[this.#turn++ % alive.length] as TestMember;
  }

  // Until it is settled; who has died never answers.
  async #wait(member: TestMember, call: Call<unknown>): Promise<void> {
    const group = this.#group;
    const { node } = member;
    for (let ms = 0; ms < ATTEMPT_MS && !call.isSettled; ms += 5) {
      if (this.#group.simulation.exposed(member.name) !== node) return;
      await group.run(5);
    }
  }

  #mayFail(error: unknown): void {
    if (error !== undefined && !(error instanceof RaftNodeError)) throw error;
  }
}

// The same object, which notes each call before it makes it.
function noted<T extends object>(target: T, note: () => void): T {
  return new Proxy(target, {
    get: (object, name) => {
      const method: unknown = Reflect.get(object, name);
      if (typeof method !== "function") return method;
      return async (...args: unknown[]) => {
        // Closing changes nothing on the disk.
        if (name !== "close") note();
        const result: unknown = await method.apply(object, args);
        return name === "open" ? noted(result as object, note) : result;
      };
    },
  });
}
