// Members of nothing but a network, on the simulated world: what they are told is written down,
// what they send can be looked at, changed or lost, and whatever they leave behind is counted.
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { type Entry, type Message, message } from "@compendium/raft";
import type { Clock, Link, Transport } from "@compendium/runtime";
import { Simulation, type World } from "@compendium/simulation";
import type * as net from "../../src/net/index.ts";
import type { PeerIdentity, PeerReceiver } from "../../src/net/peer-network.ts";

/** The package under test: the original, or a copy with a bug in it. */
export type Subject = Pick<typeof net, "PeerLinks">;
type Options = Partial<net.PeerLinksOptions>;

/** What becomes of a frame: what is sent instead, or the end of the link. */
export type Tap = (frame: Uint8Array, count: number) => Uint8Array | "lose" | "break";

/** A member: its network, and what it was told. */
export class Member implements PeerReceiver {
  readonly id: number;
  readonly links: net.PeerLinks;
  readonly received: Message[] = [];
  readonly unreachables: number[] = [];
  readonly settled: (readonly [id: number, delivered: boolean])[] = [];
  readonly refusals: (readonly [id: number, reason: string])[] = [];
  admission: (peer: PeerIdentity) => string | undefined = () => undefined;
  onReceive: (message: Message) => void = () => {};
  /** Whether it is in a call of its own: then it must not be told anything. */
  isCalling = false;
  readonly transport: TappedTransport;
  readonly clock: CountedClock;

  constructor(subject: Subject, id: number, world: World, options: Options) {
    this.id = id;
    this.transport = new TappedTransport(world.transport);
    this.clock = new CountedClock(world.clock);
    const { random } = world;
    const address = `n${id}:peers`;
    const { transport, clock } = this;
    const given = { group: "g", transport, address, clock, random };
    this.links = new subject.PeerLinks({ ...given, ...FAST, ...options });
  }

  async start(peers: readonly number[], diskId = this.id * 100): Promise<void> {
    this.links.setPeers(new Map(peers.map((id) => [id, `n${id}:peers`])));
    await this.links.start({ id: this.id, diskId }, this);
  }

  send(...messages: readonly Message[]): void {
    this.isCalling = true;
    this.links.send(messages);
    this.isCalling = false;
  }

  receive(message: Message): void {
    this.#check();
    this.received.push(message);
    this.onReceive(message);
  }

  unreachable(id: number): void {
    this.#check();
    this.unreachables.push(id);
  }

  snapshotSettled(id: number, delivered: boolean): void {
    this.#check();
    this.settled.push([id, delivered]);
  }

  admit(peer: PeerIdentity): string | undefined {
    return this.admission(peer);
  }

  refused(id: number, reason: string): void {
    this.#check();
    this.refusals.push([id, reason]);
  }

  #check(): void {
    if (this.isCalling) throw new Error("told something from within a call of its own");
  }
}

/** Short times, so that little virtual time is needed. */
export const FAST = { silenceMs: 400, connectTimeoutMs: 200, backoffMaxMs: 100 };

/** A world of members 1 to n, and of a node "x" that has only a transport. */
export class NetWorld {
  readonly simulation: Simulation;
  readonly members = new Map<number, Member>();
  readonly worlds = new Map<string, World>();

  constructor(subject: Subject, count: number, options: Options = {}, seed = 1) {
    const ids = Array.from({ length: count }, (_, at) => at + 1);
    this.simulation = new Simulation({
      seed,
      nodes: [...ids.map((id) => `n${id}`), "x"],
      network: { lossPer1000: 0, stragglersPer1000: 0, delayUs: [500, 500] },
      start: async (world) => {
        this.worlds.set(world.name, world);
        if (world.name === "x") return;
        const id = Number(world.name.slice(1));
        const member = new Member(subject, id, world, options);
        this.members.set(id, member);
        await member.start(ids);
      },
    });
  }

  static async of(subject: Subject, count: number, options: Options = {}): Promise<NetWorld> {
    const world = new NetWorld(subject, count, options);
    await world.pass(1);
    return world;
  }

  member(id: number): Member {
    return this.members.get(id) as Member;
  }

  /** The transport of the node that is no member. */
  get stranger(): Transport {
    return (this.worlds.get("x") as World).transport;
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.simulation.run(this.simulation.nowUs + ms * 1_000);
  }

  cut(from: number, to: number): void {
    this.simulation.network.path(`n${from}`, `n${to}`).cut();
  }

  mend(from: number, to: number): void {
    this.simulation.network.path(`n${from}`, `n${to}`).mend();
  }
}

/** A transport whose links are counted, and can be tapped. */
export class TappedTransport implements Transport {
  readonly #transport: Transport;
  readonly open = new Set<Link>();
  connects = 0;
  frames: Uint8Array[] = [];
  tap: Tap = (frame) => frame;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  listen(address: string, accept: (link: Link) => void) {
    return this.#transport.listen(address, (link) => accept(this.#wrap(link)));
  }

  async connect(address: string, options?: { signal?: AbortSignal }): Promise<Link> {
    this.connects++;
    return this.#wrap(await this.#transport.connect(address, options));
  }

  #wrap(link: Link): Link {
    this.open.add(link);
    void link.closed.then(() => this.open.delete(link));
    const send = link.send.bind(link);
    link.send = (frame) => {
      this.frames.push(frame);
      const passed = this.tap(frame, this.frames.length);
      if (passed instanceof Uint8Array) return send(passed);
      if (passed === "break") link.destroy();
      return "queued";
    };
    return link;
  }
}

/** A clock that knows its timers. */
export class CountedClock implements Clock {
  readonly #clock: Clock;
  readonly timers = new Set<object>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  setTimer(atMs: number, fn: () => void): Disposable {
    const key = {};
    this.timers.add(key);
    const timer = this.#clock.setTimer(atMs, () => {
      this.timers.delete(key);
      fn();
    });
    return {
      [Symbol.dispose]: () => {
        this.timers.delete(key);
        timer[Symbol.dispose]();
      },
    };
  }
}

/** Fails unless they are equal; without a picture of the difference, which may be of megabytes. */
export function expectSame(actual: unknown, expected: unknown): void {
  assert.ok(isDeepStrictEqual(actual, expected), "what has arrived is not what was sent");
}

/** A heartbeat that can be told from others. */
export function beat(from: number, to: number, commit = 0): Message {
  return { ...message("heartbeat", to, from, 1), commit };
}

/** An append of one entry of so many bytes. */
export function append(from: number, to: number, index: number, bytes = 100): Message {
  const entry: Entry = { term: 1, index, type: "normal", data: new Uint8Array(bytes).fill(index) };
  return { ...message("append", to, from, 1), index: index - 1, logTerm: 1, entries: [entry] };
}

/** A snapshot of so many bytes. */
export function snapshot(from: number, to: number, index: number, bytes: number): Message {
  const data = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at++) data[at] = (at * 31 + index + (at >> 8)) & 255;
  const members = { votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  const confState = { voters: [1, 2, 3], ...members };
  return {
    ...message("snapshot", to, from, 1),
    snapshot: { index, term: 1, confState, data },
  };
}
