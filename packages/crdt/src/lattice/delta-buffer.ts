// What a replica has yet to tell each neighbour, as intervals of its deltas (Almeida et al. 2018,
// §5, algorithm 2). Deltas are numbered as they are made or first heard; a neighbour acknowledges
// a number, and gets the join of what came after it, so that what travels is the size of the news.
// A neighbour that has been away for longer than the buffer reaches back is sent what it lacks by
// its version (`since`), or the whole state.
import type { Delta } from "./delta.ts";

/** How a buffer is set up. */
export interface DeltaBufferOptions {
  /**
   * How many deltas are kept. More lets neighbours stay away for longer without asking for what
   * they lack. Default: 1,000.
   */
  readonly deltasMax?: number;
}

/** What to send to a neighbour. */
export interface Interval {
  /** The join of the deltas. */
  readonly delta: Delta;
  /** What the neighbour acknowledges when it has joined it. */
  readonly upTo: number;
}

/** Deltas that some neighbour has not acknowledged. */
export class DeltaBuffer {
  readonly #deltasMax: number;
  readonly #deltas: Delta[] = [];
  /** The number of the first delta that is kept. */
  #first = 1;
  readonly #acknowledged: Map<string, number> = new Map();

  constructor({ deltasMax = 1_000 }: DeltaBufferOptions = {}) {
    if (!(Number.isSafeInteger(deltasMax) && deltasMax >= 1)) {
      throw new RangeError(`deltasMax must be an integer from 1, got ${deltasMax}`);
    }
    this.#deltasMax = deltasMax;
  }

  /** The number of the last delta; 0 before the first. */
  get last(): number {
    return this.#first + this.#deltas.length - 1;
  }

  /** How many deltas are kept. */
  get size(): number {
    return this.#deltas.length;
  }

  /** Adds a delta that was made here, or that was news here. */
  push(delta: Delta): void {
    this.#deltas.push(delta);
    if (this.#deltas.length > this.#deltasMax) this.#drop(1);
  }

  /**
   * What to send to a neighbour: undefined when it has all, and "too-far-behind" when the buffer
   * does not reach back to where it is.
   */
  for(neighbour: string): Interval | "too-far-behind" | undefined {
    const known = this.#acknowledged.get(neighbour) ?? 0;
    if (known === this.last) return undefined;
    if (known + 1 < this.#first) return "too-far-behind";
    const [first, ...others] = this.#deltas.slice(known + 1 - this.#first) as [Delta, ...Delta[]];
    return { delta: others.reduce((all, delta) => all.join(delta), first), upTo: this.last };
  }

  /** A neighbour has joined all up to that number, or a state that was taken after it. */
  acknowledge(neighbour: string, upTo: number): void {
    const known = this.#acknowledged.get(neighbour) ?? 0;
    if (!(Number.isSafeInteger(upTo) && upTo >= 0 && upTo <= this.last)) {
      throw new RangeError(`upTo must be an integer in [0, ${this.last}], got ${upTo}`);
    }
    this.#acknowledged.set(neighbour, Math.max(known, upTo));
    const needed = Math.min(...this.#acknowledged.values()) + 1;
    if (needed > this.#first) this.#drop(needed - this.#first);
  }

  /** A neighbour is gone for good: nothing is kept for it any more. */
  forget(neighbour: string): void {
    this.#acknowledged.delete(neighbour);
  }

  #drop(count: number): void {
    this.#deltas.splice(0, count);
    this.#first += count;
  }
}
