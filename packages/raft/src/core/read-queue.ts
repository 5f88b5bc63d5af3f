// The reads that wait for a majority to confirm their leader (thesis §6.4, "ReadIndex"). Each gets
// the next round; heartbeats carry the newest one, and followers send it back. A round that a
// majority has sent back confirms all before it: whoever answered was still in this leader's term
// after those reads had begun.
//
// Rounds begin anew in each term, and answers of another term are dropped before they get here.

import type { Acknowledged } from "../quorum/majority.ts";
import type { Message } from "./message.ts";

/** A read that waits. */
export interface WaitingRead {
  readonly request: Message;
  /** What was committed when it came: the answer must include that much. */
  readonly index: number;
}

/** Reads in the order in which they came. */
export class ReadQueue implements Acknowledged {
  /** Reads that came before the leader had committed anything in its term. */
  early: Message[] = [];
  // Invariant: waiting[i] belongs to the round #confirmed + 1 + i.
  #waiting: WaitingRead[] = [];
  #confirmed = 0;
  readonly #acked = new Map<number, number>();

  /** The newest round; 0 if no read waits. */
  get round(): number {
    return this.#waiting.length === 0 ? 0 : this.#confirmed + this.#waiting.length;
  }

  get size(): number {
    return this.#waiting.length + this.early.length;
  }

  add(request: Message, index: number): void {
    this.#waiting.push({ request, index });
  }

  /** Notes that a member has answered a heartbeat of that round. */
  acknowledge(id: number, round: number): void {
    if (round > (this.#acked.get(id) ?? 0)) this.#acked.set(id, round);
  }

  acked(id: number): number | undefined {
    return this.#acked.get(id);
  }

  /** Takes out the reads up to that round. */
  takeUpTo(round: number): WaitingRead[] {
    const count = Math.min(round - this.#confirmed, this.#waiting.length);
    if (count <= 0) return [];
    this.#confirmed += count;
    return this.#waiting.splice(0, count);
  }
}
