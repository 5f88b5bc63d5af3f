// The last N calls, as a ring of two bits each: failed, slow. Three running sums make the rates
// O(1): a new call adds its bits and takes away those of the call it overwrites.
//
//   position   0    1    2    3   …  N-1
//   bits       00   01   00   10  …   00        recorded % N points at the oldest, the next to go
//
// Fifteen calls share one small integer of a plain array: 30 bits are what every JavaScript engine
// stores without a box. A typed array would cost more than it holds: its header alone is about 200
// bytes, and a service may own thousands of breakers.
import type { SavedWindow, SlidingWindow } from "./window.ts";

const FAILED = 1;
const SLOW = 2;
const CALLS_PER_WORD = 15;

/** Remembers the last `size` calls (1 to 1,000,000): 2 bits each. */
export class CountWindow implements SlidingWindow {
  // A field of the prototype: it is the same for all, and windows are many.
  get needsTime(): boolean {
    return false;
  }

  readonly #size: number;
  readonly #bits: number[];
  // Calls ever recorded. The call with ticket t is still here while recorded - size <= t.
  #recorded = 0;
  // Where the next call goes. Invariant: next === recorded % size.
  #next = 0;
  #failures = 0;
  #slow = 0;

  constructor(size: number) {
    this.#size = size;
    this.#bits = new Array(Math.ceil(size / CALLS_PER_WORD)).fill(0);
  }

  get calls(): number {
    return Math.min(this.#recorded, this.#size);
  }

  get failures(): number {
    return this.#failures;
  }

  get slow(): number {
    return this.#slow;
  }

  record(_now: number, failed: boolean, slow: boolean): number {
    // Where all bits are 0 and a 0 comes, there is nothing to write: in good times, that is always.
    const untroubled = !failed && !slow && this.#failures + this.#slow === 0;
    if (!untroubled) this.#put(this.#next, (failed ? FAILED : 0) | (slow ? SLOW : 0));
    this.#next = this.#next + 1 === this.#size ? 0 : this.#next + 1;
    return this.#recorded++;
  }

  expire(_now: number): void {}

  markFailed(ticket: number): void {
    if (ticket < this.#recorded - this.#size || ticket >= this.#recorded) return;
    const position = ticket % this.#size;
    this.#put(position, this.#get(position) | FAILED);
  }

  clear(): void {
    this.#recorded = 0;
    this.#next = 0;
    this.#failures = 0;
    this.#slow = 0;
    this.#bits.fill(0);
  }

  save(_now: number): SavedWindow {
    let outcomes = "";
    for (let age = this.calls; age > 0; age--) {
      outcomes += this.#get((this.#recorded - age) % this.#size);
    }
    return { kind: "count", outcomes };
  }

  accepts(saved: unknown): saved is SavedWindow {
    const { kind, outcomes } = saved as { kind?: unknown; outcomes?: unknown };
    return (
      kind === "count" &&
      typeof outcomes === "string" &&
      outcomes.length <= this.#size &&
      /^[0-3]*$/.test(outcomes)
    );
  }

  load(saved: SavedWindow, now: number, _elapsedMs: number): void {
    this.clear();
    if (saved.kind !== "count") return;
    for (const digit of saved.outcomes) {
      const bits = Number(digit);
      this.record(now, (bits & FAILED) !== 0, (bits & SLOW) !== 0);
    }
  }

  #get(position: number): number {
    const index = (position / CALLS_PER_WORD) | 0;
    return ((this.#bits[index] as number) >> (2 * (position % CALLS_PER_WORD))) & 3;
  }

  // Overwrites one call and keeps the sums true: what was there leaves, what comes enters.
  #put(position: number, outcome: number): void {
    const index = (position / CALLS_PER_WORD) | 0;
    const shift = 2 * (position % CALLS_PER_WORD);
    const word = this.#bits[index] as number;
    const leaving = (word >> shift) & 3;
    if (leaving === outcome) return;
    this.#failures += (outcome & FAILED) - (leaving & FAILED);
    this.#slow += (outcome >> 1) - (leaving >> 1);
    this.#bits[index] = word ^ ((leaving ^ outcome) << shift);
  }
}
