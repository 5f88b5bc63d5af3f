// A group of real nodes on the simulated world, led by the hand of a test: it cuts off, crashes,
// starts and asks, and lets virtual time pass in between. Whatever the test is about, three things
// are watched all along: nobody votes twice in a term, no term has two leaders, and no two members
// carry out different commands at one place (Raft figure 3).
import assert from "node:assert/strict";
import type { Message } from "@compendium/raft";
import {
  type CrashKind,
  type DiskOptions,
  type Fault,
  type NetworkOptions,
  Simulation,
  type World,
} from "@compendium/simulation";
import {
  RaftNode,
  type RaftNodeError,
  type RaftNodeOptions,
  type StateMachine,
} from "../../src/node/index.ts";
import { DatagramNetwork } from "../group/datagram-network.ts";
import { CountingNetwork, Traffic } from "./counting-network.ts";
import { command, Ledger, type Line } from "./ledger.ts";

/** What kind of group it is. */
export interface TestGroupOptions {
  readonly seed?: number;
  /** The first members, 1 to so many. */
  readonly members?: number;
  /** Machines beside them, which are started when a test says so. */
  readonly spares?: number;
  readonly network?: NetworkOptions;
  readonly disk?: DiskOptions;
  readonly options?: Partial<RaftNodeOptions>;
  /** What befalls it by itself. */
  readonly faults?: readonly Fault[];
  /** The application, where it is not a plain ledger. */
  readonly machine?: (ledger: Ledger) => StateMachine;
  /** Changes what a member is opened with. */
  readonly wrap?: (options: RaftNodeOptions) => RaftNodeOptions;
}

/** A member and its present life. */
export interface TestMember {
  readonly id: number;
  readonly name: string;
  node: RaftNode;
  ledger: Ledger;
  network: CountingNetwork;
  world: World;
  /** What its last life ended with, if by itself. */
  failure: RaftNodeError | undefined;
  /** Why its last life could not begin. */
  refusal: unknown;
  isUp: boolean;
}

export const ELECTION_TIMEOUT_MS = 200;

const CALM: NetworkOptions = { lossPer1000: 0, duplicatesPer1000: 0, stragglersPer1000: 0 };
const SLICE_US = 2_000;

/** A promise, watched. */
export interface Call<T> {
  readonly isSettled: boolean;
  readonly value: T | undefined;
  readonly error: unknown;
}

/** Notes what becomes of a promise; a rejection is not left unhandled. */
export function watch<T>(promise: Promise<T>): Call<T> {
  const call = { isSettled: false, value: undefined as T | undefined, error: undefined as unknown };
  promise.then(
    (value) => Object.assign(call, { isSettled: true, value }),
    (error: unknown) => Object.assign(call, { isSettled: true, error }),
  );
  return call;
}

/** The group. */
export class TestGroup {
  readonly simulation: Simulation;
  readonly traffic: Traffic = new Traffic();
  /** Who crashed, and when. */
  readonly crashes: string[] = [];
  readonly #options: TestGroupOptions;
  readonly #members = new Map<number, TestMember>();
  readonly #overrides = new Map<number, Partial<RaftNodeOptions>>();
  readonly #leaders = new Map<number, number>();
  readonly #votes = new Map<string, number>();
  readonly #history = new Map<number, string>();

  private constructor(options: TestGroupOptions) {
    this.#options = options;
    const { seed = 1, members = 3, spares = 0, network, disk, faults = [] } = options;
    const ids = Array.from({ length: members + spares }, (_, at) => at + 1);
    for (const id of ids) {
      const name = `n${id}`;
      // The rest is there once it was started.
      this.#members.set(id, { id, name, isUp: id <= members } as TestMember);
    }
    this.simulation = new Simulation({
      seed,
      nodes: ids.map((id) => `n${id}`),
      start: (world) => this.#run(world),
      network: { ...CALM, ...network },
      faults,
      onTrace: ({ us, event, node }) => {
        if (event.startsWith("crash ")) this.crashes.push(`${node} at ${us}`);
      },
      ...(disk && { disk }),
    });
  }

  /** A group in which no time has passed yet. */
  static make(options: TestGroupOptions = {}): TestGroup {
    return new TestGroup(options);
  }

  /** A group whose members are started; nobody leads yet. */
  static async start(options: TestGroupOptions = {}): Promise<TestGroup> {
    const group = new TestGroup(options);
    await group.until("all members are open", () =>
      group.up.every(({ node, refusal }) => node !== undefined || refusal !== undefined),
    );
    return group;
  }

  /** A group that has a leader. */
  static async lead(options: TestGroupOptions = {}): Promise<[TestGroup, TestMember]> {
    const group = await TestGroup.start(options);
    return [group, await group.leader()];
  }

  async #run(world: World): Promise<void> {
    const id = Number(world.name.slice(1));
    const member = this.member(id);
    if (!member.isUp) return;
    const { members = 3, options, machine, wrap = (same) => same } = this.#options;
    const ledger = new Ledger((lines) => this.#carriedOut(id, lines));
    const datagrams = new DatagramNetwork(world, (message) => this.#heard(message));
    world.datagrams.receive((datagram, from) => void datagrams.take(datagram, from));
    const network = new CountingNetwork(datagrams, this.traffic);
    const names = Array.from({ length: members }, (_, at) => [at + 1, `n${at + 1}`] as const);
    Object.assign(member, { failure: undefined, refusal: undefined, ledger, network, world });
    try {
      const complete = wrap({
        id,
        machine: machine?.(ledger) ?? ledger,
        files: world.files,
        folder: "raft",
        network,
        ...(id <= members && { bootstrap: new Map(names) }),
        clock: world.clock,
        random: world.random,
        electionTimeoutMs: ELECTION_TIMEOUT_MS,
        heartbeatMs: ELECTION_TIMEOUT_MS / 5,
        timeoutMs: 1_000,
        segmentBytes: 8_192,
        ...options,
        ...this.#overrides.get(id),
        onLeadership: ({ term, isLeader }) => isLeader && this.#leads(id, term),
      });
      member.node = await RaftNode.open(complete);
    } catch (error) {
      member.refusal = error;
      return;
    }
    world.expose(member.node);
    member.failure = await member.node.closed;
  }

  // What a living member has heard is a promise of its sender.
  #heard({ type, from, to, term, reject }: Message): void {
    if (type === "vote-response" && !reject) this.#voted(from, to, term);
  }

  #voted(from: number, to: number, term: number): void {
    const other = this.#votes.get(`${from}@${term}`) ?? to;
    assert.equal(other, to, `member ${from} voted for ${other} and for ${to} in term ${term}`);
    this.#votes.set(`${from}@${term}`, to);
  }

  #leads(id: number, term: number): void {
    this.#voted(id, id, term);
    const other = this.#leaders.get(term) ?? id;
    assert.equal(other, id, `Election Safety: ${other} and ${id} lead term ${term}`);
    this.#leaders.set(term, id);
  }

  #carriedOut(id: number, lines: readonly Line[]): void {
    for (const { index, text } of lines) {
      const known = this.#history.get(index) ?? text;
      assert.equal(text, known, `State Machine Safety: member ${id}, entry ${index}`);
      this.#history.set(index, text);
    }
  }

  /** What was carried out anywhere, in order. */
  get history(): string[] {
    return [...this.#history].sort(([a], [b]) => a - b).map(([, text]) => text);
  }

  /** In how many terms somebody has led. */
  get termsLed(): number {
    return this.#leaders.size;
  }

  member(id: number): TestMember {
    const member = this.#members.get(id);
    assert.ok(member, `there is no member ${id}`);
    return member;
  }

  /** Those that live at this moment, whatever befell them. */
  get alive(): TestMember[] {
    return this.up.filter(({ name, node }) => {
      return node && this.simulation.exposed(name) === node && !node.status().hasEnded;
    });
  }

  /** Those that are not crashed. */
  get up(): TestMember[] {
    return [...this.#members.values()].filter(({ isUp }) => isUp);
  }

  /** All that are up, without those. */
  others(...without: readonly TestMember[]): TestMember[] {
    return this.up.filter((member) => !without.includes(member));
  }

  /** Lets time pass. */
  async run(ms: number): Promise<void> {
    await this.simulation.run(this.simulation.nowUs + ms * 1_000);
  }

  /** Lets time pass until that holds; fails when it does not within `ms`. */
  async until<T>(what: string, condition: () => T, ms = 10_000): Promise<T> {
    const deadlineUs = this.simulation.nowUs + ms * 1_000;
    for (;;) {
      const met = condition();
      if (met) return met;
      assert.ok(this.simulation.nowUs < deadlineUs, `not within ${ms} ms: ${what}`);
      await this.simulation.run(this.simulation.nowUs + SLICE_US);
    }
  }

  /** Lets time pass until a promise settles. */
  async settle<T>(promise: Promise<T>, ms = 10_000): Promise<T> {
    const call = watch(promise);
    await this.until("a promise settles", () => call.isSettled, ms);
    return await promise;
  }

  /** What a promise is rejected with. */
  async refusal(promise: Promise<unknown>, ms = 10_000): Promise<RaftNodeError> {
    const call = watch(promise);
    await this.until("a promise settles", () => call.isSettled, ms);
    assert.ok(call.error, "the promise was kept");
    return call.error as RaftNodeError;
  }

  /** The leader that all of those follow. */
  async leader(among?: readonly TestMember[], ms = 5_000): Promise<TestMember> {
    const leader = await this.until(
      "all follow one leader",
      () => {
        const members = among ?? this.up;
        const [first] = members.filter(({ node }) => node.leadership.isLeader);
        const { term } = first?.node.leadership ?? { term: 0 };
        const all = members.every(
          ({ node: { leadership } }) => leadership.leader === first?.id && leadership.term === term,
        );
        return all ? first : undefined;
      },
      ms,
    );
    return leader as TestMember;
  }

  /** Whether one of those believes that it leads. */
  hasLeader(among: readonly TestMember[]): boolean {
    return among.some(({ node }) => node.leadership.isLeader);
  }

  /** Has a command carried out, by whichever member leads; asks again until it is. */
  async commit(line: string, among?: readonly TestMember[]): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      const { node } = await this.leader(among, 20_000);
      try {
        const { index } = await this.settle(node.propose(command(line)));
        return index;
      } catch (error) {
        const { outcome } = error as RaftNodeError;
        if (outcome !== "not-executed" || attempt === 10) throw error;
      }
    }
  }

  /** Waits until all of those have carried out the same, and as much as anybody. */
  async agree(among?: readonly TestMember[], ms = 10_000): Promise<string[]> {
    await this.until(
      "all have carried out the same",
      () => {
        const members = among ?? this.up;
        const applied = members.map(({ node }) => node.status().applied);
        const last = Math.max(...members.map(({ node }) => node.status().lastIndex));
        return applied.every((index) => index === last);
      },
      ms,
    );
    const [first, ...rest] = (among ?? this.up).map(({ ledger }) => ledger.texts);
    for (const other of rest) assert.deepEqual(other, first);
    return first ?? [];
  }

  /** Nothing comes through between those and all others. */
  cut(...members: readonly TestMember[]): void {
    this.#paths(members, (path) => path.cut());
  }

  /** Ends one cut of those. */
  mend(...members: readonly TestMember[]): void {
    this.#paths(members, (path) => path.mend());
  }

  #paths(
    members: readonly TestMember[],
    change: (path: ReturnType<Simulation["network"]["path"]>) => void,
  ): void {
    const inside = new Set(members.map(({ name }) => name));
    for (const { name } of this.#members.values()) {
      if (inside.has(name)) continue;
      for (const one of inside) {
        change(this.simulation.network.path(one, name));
        change(this.simulation.network.path(name, one));
      }
    }
  }

  /** Ends a member's life; it does not begin a new one by itself. */
  crash(member: TestMember, how: CrashKind = "kill"): void {
    member.isUp = false;
    this.simulation.crash(member.name, how, Number.POSITIVE_INFINITY);
  }

  /** Begins a member's next life, with other options if it is given some. */
  async boot(member: TestMember, options?: Partial<RaftNodeOptions>): Promise<void> {
    await this.bootAll([member], options);
  }

  /** Begins the next life of several. */
  async bootAll(members: readonly TestMember[], options?: Partial<RaftNodeOptions>): Promise<void> {
    const before = members.map(({ node }) => node);
    for (const member of members) {
      if (options !== undefined) this.#overrides.set(member.id, options);
      this.simulation.crash(member.name, "kill", Number.POSITIVE_INFINITY);
      member.isUp = true;
      this.simulation.node(member.name).boot();
    }
    await this.until("they are open", () =>
      members.every((member, at) => member.node !== before[at] || member.refusal !== undefined),
    );
  }
}
