// The timed calls of one generation that are still in flight, oldest first: a doubly linked list
// through the permits themselves, so that starting, settling and finding the oldest are O(1).
import type { Permit } from "./permit.ts";

/** Calls in flight, in the order in which they started. */
export class InFlightList {
  #oldest: Permit | undefined = undefined;
  #youngest: Permit | undefined = undefined;

  /** The call that has been in flight for longest. */
  get oldest(): Permit | undefined {
    return this.#oldest;
  }

  /** A call starts; it must not be listed already. O(1). */
  add(permit: Permit): void {
    permit.older = this.#youngest;
    if (this.#youngest === undefined) this.#oldest = permit;
    else this.#youngest.younger = permit;
    this.#youngest = permit;
  }

  /** A listed call leaves. O(1). */
  remove(permit: Permit): void {
    const { older, younger } = permit;
    if (older === undefined) this.#oldest = younger;
    else older.younger = younger;
    if (younger === undefined) this.#youngest = older;
    else younger.older = older;
    // A permit that somebody keeps must not keep its old neighbours alive with it.
    permit.older = undefined;
    permit.younger = undefined;
  }

  /** All leave: their generation is over. O(1). */
  clear(): void {
    this.#oldest = undefined;
    this.#youngest = undefined;
  }
}
