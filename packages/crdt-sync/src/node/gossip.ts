// Anti-entropy between regions (A. Demers et al., "Epidemic Algorithms for Replicated Database
// Maintenance", PODC 1987). Each node holds links to a few others, drawn at random, and pushes what
// is new over them; and now and then it swaps one of them for another. The swap is what makes it
// certain: whichever way the network was cut, every pair of nodes meets again sooner or later,
// compares versions, and sends what is lacking. With few nodes it simply links to all.
import type { Clock, Random, Transport } from "@compendium/runtime";
import { pick, systemClock, systemRandom } from "@compendium/runtime";
import type { Peering } from "./peering.ts";
import type { SyncNode } from "./sync-node.ts";

/** Options of {@link Gossip}. */
export interface GossipOptions {
  /** How others are reached: addresses by the names of nodes. */
  readonly peers: Readonly<Record<string, string>>;
  /** Over what. */
  readonly transport: Transport;
  /** Links that are kept: an integer from 1. Default 3. */
  readonly fanout?: number;
  /** How often a link is swapped for another, about. Default 10,000. */
  readonly everyMs?: number;
  /** Default: the process's. */
  readonly clock?: Clock;
  /** Default: the platform's. */
  readonly random?: Random;
}

interface Held {
  readonly name: string;
  readonly peering: Peering;
}

/** Links of one node to others at random, until it is closed. */
export class Gossip implements AsyncDisposable {
  readonly #node: SyncNode;
  readonly #options: GossipOptions;
  readonly #fanout: number;
  readonly #everyMs: number;
  readonly #clock: Clock;
  readonly #random: Random;
  // The longest held comes first.
  readonly #held: Held[] = [];
  readonly #closing: Set<Promise<void>> = new Set();
  #timer: Disposable | undefined;

  constructor(node: SyncNode, options: GossipOptions) {
    const { fanout = 3, everyMs = 10_000 } = options;
    if (!(Number.isSafeInteger(fanout) && fanout >= 1)) {
      throw new RangeError(`fanout must be an integer from 1, got ${fanout}`);
    }
    if (!(everyMs >= 1)) throw new RangeError(`everyMs must be at least 1, got ${everyMs}`);
    this.#node = node;
    this.#options = options;
    this.#fanout = fanout;
    this.#everyMs = everyMs;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    while (this.#held.length < fanout && this.#add()) {}
    this.#arm();
  }

  /** The names of those to whom a link is held, or tried. */
  get links(): string[] {
    return this.#held.map(({ name }) => name);
  }

  /** Ends its links. */
  async close(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    while (this.#held.length > 0) this.#drop(0);
    await Promise.all(this.#closing);
  }

  /** {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // Anywhere between half the time and one and a half: nodes that began together drift apart.
  #arm(): void {
    const halfMs = Math.ceil(this.#everyMs / 2);
    const afterMs = halfMs + this.#random.below(2 * halfMs);
    this.#timer = this.#clock.setTimer(this.#clock.now() + afterMs, () => {
      this.#swap();
      this.#arm();
    });
  }

  #swap(): void {
    if (!this.#add()) return;
    if (this.#held.length <= this.#fanout) return;
    // Rather one that has nothing left to say, or that cannot be reached.
    const idle = this.#held.findIndex(
      ({ name, peering }) => !peering.isLinked || this.#node.isCaughtUp(name),
    );
    this.#drop(Math.max(0, idle));
  }

  #add(): boolean {
    const { peers, transport } = this.#options;
    const held = new Set([this.#node.name, ...this.links]);
    const others = Object.keys(peers).filter((name) => !held.has(name));
    if (others.length === 0) return false;
    const name = pick(this.#random, others);
    const peering = this.#node.connect(transport, peers[name] as string);
    this.#held.push({ name, peering });
    return true;
  }

  #drop(index: number): void {
    const [held] = this.#held.splice(index, 1);
    const closing = (held as Held).peering.close();
    this.#closing.add(closing);
    closing.then(() => this.#closing.delete(closing));
  }
}
