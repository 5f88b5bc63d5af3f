// The world itself: one queue of events over virtual time, and the nodes that live in it.
//
// A step takes the earliest event, moves time to it, runs it, and then lets every promise
// continuation run that follows from it, before the next event. When the queue of continuations is
// empty, no program can ask; but a macrotask runs only after it is. So each step that ran a node's
// code ends by asking for another macrotask. That costs a turn of the event loop, most of which is
// looking for input that never comes; several worlds that run at once share the turn, and then a
// step costs a fraction of it. (`simulate` runs sixteen.)
//
// Nothing in here asks the real world for time or chance: the same options give the same events, in
// the same order, on every machine. What a node's code does besides its world (a global timer, an
// iteration over what a real clock filled) is the one thing that can break this; `checkSeed` with
// `twice` finds out.

import type { Random } from "@compendium/runtime";
import { type DiskOptions, SimulatedDisk } from "./disk/simulated-disk.ts";
import { type EventOwner, EventQueue, type SimulatedEvent } from "./event-queue.ts";
import type { CrashKind, Fault } from "./fault.ts";
import { befall } from "./fault-effects.ts";
import type { DatagramHost, SimulatedDatagrams } from "./network/datagrams.ts";
import { Network, type NetworkOptions } from "./network/network.ts";
import type { SimulatedTransport, TransportHost } from "./network/simulated-transport.ts";
import { type ClockOptions, SimulatedNode } from "./simulated-node.ts";
import { streamOf, Trace, type TraceLine } from "./trace.ts";
import { enter, leave, macrotask } from "./turns.ts";
import type { World } from "./world.ts";

/** What a node has recorded. */
export interface Observation {
  /** Microseconds since the run began: the world's time, which no node can see. */
  readonly us: number;
  /** Who recorded it. */
  readonly node: string;
  /** In which of its lives. */
  readonly incarnation: number;
  /** What has happened, in the words of the node. */
  readonly event: string;
  /** What belongs to it. */
  readonly data: unknown;
}

/** What a world consists of. */
export interface SimulationOptions {
  /** An integer in [0, 2^53). */
  seed: number;
  /** Names without a colon. */
  nodes: readonly string[];
  /** Starts a node: called at the beginning and after each crash, with a new world each time. */
  start: (world: World) => void | Promise<void>;
  /** What befalls it. Default: nothing. */
  faults?: readonly Fault[];
  /** What kind of network it has. */
  network?: NetworkOptions;
  /** What kind of disk every node has. */
  disk?: DiskOptions;
  /** How good the clocks are. */
  clock?: ClockOptions;
  /** How long until a process that has ended itself is started again. Default 50,000. */
  restartUs?: number;
  /** More events than that are a world that does not come to rest. Default 10,000,000. */
  eventsMax?: number;
  /** Gets each event of the trace. */
  onTrace?: (line: TraceLine) => void;
  /** Gets what nodes record. */
  onObservation?: (observation: Observation) => void;
  /** Called after each event that may have changed a node, once all has settled that follows. */
  onStep?: () => void;
}

const RESTART_US = 50_000;
const EVENTS_MAX = 10_000_000;
// Events of one instant: two timers that set each other for "now" would never end.
const EVENTS_AT_ONCE_MAX = 100_000;

/** A world in virtual time; see the header of this file. */
export class Simulation implements TransportHost, DatagramHost {
  /** Who hears whom. */
  readonly network: Network;
  /** What has happened so far. */
  readonly trace: Trace;
  /** What it was made of. */
  readonly options: SimulationOptions;
  readonly #queue: EventQueue = new EventQueue();
  readonly #nodes = new Map<string, SimulatedNode>();
  #nowUs = 0;
  #events = 0;
  #atOnce = 0;
  #calm = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: SimulationOptions) {
    const { seed, nodes } = options;
    if (nodes.length === 0 || new Set(nodes).size !== nodes.length || nodes.some(hasColon)) {
      throw new RangeError(`nodes must be different names without a colon, got [${nodes}]`);
    }
    this.options = options;
    this.trace = new Trace(options.onTrace);
    this.network = new Network(seed, options.network);
    for (const name of nodes) {
      const disk = new SimulatedDisk(options.disk ?? {}, streamOf(seed, "disk", name));
      const node = new SimulatedNode(this, name, disk, options.clock);
      this.#nodes.set(name, node);
    }
    for (const fault of options.faults ?? []) befall(this, fault);
    for (const node of this.#nodes.values()) this.schedule(0, undefined, () => node.boot());
  }

  /** Microseconds since the run began. */
  get nowUs(): number {
    return this.#nowUs;
  }

  /** Itself: the time of all that lives in it. */
  get time(): this {
    return this;
  }

  /** A fingerprint of all events so far: equal only where the runs are. */
  get hash(): string {
    return this.trace.hash;
  }

  /** How many events have happened. */
  get events(): number {
    return this.#events;
  }

  /** Whether there is a node of that name. */
  has(name: string): boolean {
    return this.#nodes.has(name);
  }

  /**
   * A node of this world.
   *
   * @throws RangeError when there is none of that name
   */
  node(name: string): SimulatedNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new RangeError(`there is no node "${name}"`);
    return node;
  }

  /** The node's network in the life that it lives now. */
  transportOf(name: string): SimulatedTransport | undefined {
    return this.#nodes.get(name)?.transport;
  }

  /** The node's datagrams in the life that it lives now. */
  datagramsOf(name: string): SimulatedDatagrams | undefined {
    return this.#nodes.get(name)?.datagrams;
  }

  /** What the node exposes in the life that it lives now. */
  exposed(name: string): unknown {
    return this.node(name).exposed;
  }

  /** Ends a node's life now; it starts again after `downUs`, which may be Infinity. */
  crash(name: string, how: CrashKind, downUs: number): void {
    this.node(name).crash(how, downUs);
  }

  /** Has `fn` called at a time: at once where it has passed, but never from inside. */
  schedule(atUs: number, owner: EventOwner | undefined, fn: () => void): SimulatedEvent {
    return this.#queue.push(Math.max(atUs, this.#nowUs), owner, fn);
  }

  /** Whether the time of troubles is over. */
  get isCalm(): boolean {
    return this.#calm;
  }

  /** Ends every trouble: paths are mended, disks and clocks are sound, all nodes are up. */
  heal(): void {
    this.trace.add(this.#nowUs, "heal");
    this.#calm = true;
    this.network.heal();
    for (const node of this.#nodes.values()) node.heal();
  }

  /** The end of the run, by an error of a node's code or of an invariant. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /**
   * Lets time pass until `untilUs`.
   *
   * @throws what a node's code threw, or left as a rejection that nobody handles
   * @throws Error when the world does not come to rest
   */
  run(untilUs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        leave(this);
        settle();
      };
      const turn = (): void => {
        enter(this);
        try {
          if (this.#turn(untilUs)) macrotask(turn);
          else finish(resolve);
        } catch (error) {
          finish(() => reject(error));
        }
      };
      enter(this);
      macrotask(turn);
    });
  }

  /** Adds a message that has arrived to the trace. */
  onReceived(from: string, to: string, message: Uint8Array): void {
    this.trace.add(this.#nowUs, "message", to, from, message.length);
    this.trace.bytes(message);
  }

  /** Adds what became of a datagram to the trace. */
  onMessage(fate: string, from: string, to: string): void {
    const [node, peer] = fate === "received" || fate === "unheard" ? [to, from] : [from, to];
    this.trace.add(this.#nowUs, `datagram ${fate}`, node, peer);
  }

  /** A stream of chance for a part of this world. */
  stream(...names: readonly (string | number)[]): Random {
    return streamOf(this.options.seed, ...names);
  }

  // One turn: what followed from the last event has settled by now.
  #turn(untilUs: number): boolean {
    if (this.#events > 0) this.options.onStep?.();
    this.#throwFailure();
    const ran = this.#next(untilUs);
    this.#throwFailure();
    return ran;
  }

  // Runs the next event that may run a node's code; false when there is none until then.
  #next(untilUs: number): boolean {
    for (;;) {
      const event = this.#queue.peek();
      if (event === undefined || event.atUs > untilUs) {
        this.#nowUs = Math.max(this.#nowUs, untilUs);
        return false;
      }
      this.#queue.pop();
      const { fn, owner } = event;
      if (fn === undefined || owner?.alive === false) continue;
      if (owner?.paused) {
        owner.defer(event);
        continue;
      }
      event.fn = undefined;
      this.#count(event.atUs);
      try {
        fn();
      } catch (error) {
        this.fail(error);
      }
      return true;
    }
  }

  #count(atUs: number): void {
    this.#atOnce = atUs === this.#nowUs ? this.#atOnce + 1 : 0;
    this.#nowUs = atUs;
    this.#events++;
    const { eventsMax = EVENTS_MAX } = this.options;
    if (this.#atOnce > EVENTS_AT_ONCE_MAX) {
      throw new Error(`${EVENTS_AT_ONCE_MAX} events at ${atUs} µs, and time does not move`);
    }
    if (this.#events > eventsMax) throw new Error(`no rest after ${eventsMax} events`);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** How long a process that ended itself stays down. */
  get restartUs(): number {
    return this.options.restartUs ?? RESTART_US;
  }
}

function hasColon(name: string): boolean {
  return name.includes(":");
}
