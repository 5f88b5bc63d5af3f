// Operations, for those who have no use for states: every update as a message that reaches every
// replica once, after all those that its maker had received. Under such a delivery (K. Birman, A.
// Schiper, P. Stephenson, "Lightweight Causal and Atomic Group Multicast", TOCS 1991, §5.1) the
// operation of a type on dots is its delta: the new dot, and those that it replaces (Bieniusa et
// al. 2012, §4). What the inbox adds is the delivery: it numbers what is sent, holds what comes
// too early, and drops what comes twice. Joins would forgive all three; without an inbox a reader
// may see a reply before the question.
import { CrdtError } from "../errors.ts";
import type { Delta } from "./delta.ts";
import { checkReplica } from "./scalar.ts";

/** An update on its way. */
export interface Operation {
  /** Who made it. */
  readonly replica: string;
  /** Which of his it is, from 1. */
  readonly sequence: number;
  /** How many operations of each other replica he had received. */
  readonly after: ReadonlyMap<string, number>;
  /** What it does. */
  readonly delta: Delta;
}

/** How an inbox is set up. */
export interface CausalInboxOptions {
  /** How many operations may wait for others. Default: 10,000. */
  readonly waitingMax?: number;
}

/** Causal order, and each once. */
export class CausalInbox {
  readonly #replica: string;
  readonly #waitingMax: number;
  readonly #received: Map<string, number> = new Map();
  /** By replica and sequence. */
  readonly #waiting: Map<string, Operation> = new Map();

  constructor(replica: string, { waitingMax = 10_000 }: CausalInboxOptions = {}) {
    if (!(Number.isSafeInteger(waitingMax) && waitingMax >= 1)) {
      throw new RangeError(`waitingMax must be an integer from 1, got ${waitingMax}`);
    }
    this.#replica = checkReplica(replica);
    this.#waitingMax = waitingMax;
  }

  /** How many operations wait for others. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Makes an operation of an update that was made here. */
  send(delta: Delta): Operation {
    const replica = this.#replica;
    const after = new Map(this.#received);
    const sequence = (after.get(replica) ?? 0) + 1;
    after.delete(replica);
    this.#received.set(replica, sequence);
    return { replica, sequence, after, delta };
  }

  /**
   * Takes an operation, and returns the updates whose turn has come, to be joined in this order.
   *
   * @throws CrdtError `CRDT_FULL` when too many wait already; the operation was not taken then
   */
  receive(operation: Operation): Delta[] {
    const { replica, sequence } = operation;
    const name = `${replica} ${sequence}`;
    if (sequence <= (this.#received.get(replica) ?? 0) || this.#waiting.has(name)) return [];
    if (!this.#isDue(operation) && this.#waiting.size >= this.#waitingMax) {
      throw new CrdtError("CRDT_FULL", `${this.#waitingMax} operations wait for others already`);
    }
    this.#waiting.set(name, operation);
    const due: Delta[] = [];
    for (let found = true; found; ) {
      found = false;
      for (const [key, each] of this.#waiting) {
        if (!this.#isDue(each)) continue;
        this.#waiting.delete(key);
        this.#received.set(each.replica, each.sequence);
        due.push(each.delta);
        found = true;
      }
    }
    return due;
  }

  #isDue({ replica, sequence, after }: Operation): boolean {
    if (sequence !== (this.#received.get(replica) ?? 0) + 1) return false;
    for (const [other, count] of after) if ((this.#received.get(other) ?? 0) < count) return false;
    return true;
  }
}
