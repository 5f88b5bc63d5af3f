// A growing column of 32-bit integers: the one container of this package's hot data. A log of a
// quarter of a million edits is a handful of these, and not one object per edit: nothing for the
// collector to trace, and neighbours in memory are neighbours in history.

const FIRST_CAPACITY = 16;
const KEPT_CAPACITY = 65_536;

/** Integers in a row. `data` may be longer than `length`, and is replaced when it grows. */
export class IntColumn {
  /** The integers; those at `length` and above mean nothing. */
  data: Int32Array;
  /** How many there are. */
  length = 0;

  constructor(capacity: number = FIRST_CAPACITY) {
    this.data = new Int32Array(capacity);
  }

  /** Adds one at the end. Amortized O(1). */
  push(value: number): void {
    if (this.length === this.data.length) this.#grow(this.length + 1);
    this.data[this.length++] = value;
  }

  /** Empties it, and gives back what a large use of it has left. */
  clear(): void {
    this.length = 0;
    if (this.data.length > KEPT_CAPACITY) this.data = new Int32Array(FIRST_CAPACITY);
  }

  /** Gives back the free room. */
  trim(): void {
    this.data = this.data.slice(0, this.length);
  }

  /** The last one; `-1` where there is none. */
  last(): number {
    return this.length === 0 ? -1 : this.data[this.length - 1]!;
  }

  /** The greatest index whose value is at most `value`; the column ascends. `-1` for none. */
  floor(value: number): number {
    // Mostly the last is meant: what is going on is at the end.
    if (this.length > 0 && this.data[this.length - 1]! <= value) return this.length - 1;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.data[middle]! <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** A copy that shares nothing. */
  clone(): IntColumn {
    const copy = new IntColumn(0);
    copy.data = this.data.slice(0, this.length);
    copy.length = this.length;
    return copy;
  }

  /** The bytes that it holds on to. */
  get bytes(): number {
    return this.data.byteLength;
  }

  #grow(least: number): void {
    const next = new Int32Array(Math.max(least, this.data.length * 2, FIRST_CAPACITY));
    next.set(this.data);
    this.data = next;
  }
}
