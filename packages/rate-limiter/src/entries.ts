// Queues of entries for many keys in a few shared columns: a log for each key, without an object
// for any. A row knows the first and the last of its entries, an entry the one before and the one
// behind it, and entries that nobody uses hang on a list of their own.
//
// Numbers of entries and rows are stored plus one, so that columns of zeros are empty queues.
import { grown } from "./columns.ts";

// An entry's number takes the lower bits of its identity, the count of its uses the upper.
const ENTRIES_MAX = 2 ** 26;
const USES_MAX = 2 ** 26;
const ENTRIES_AT_FIRST = 64;

/** Entries of a time and a cost, queued by row. Every operation is O(1). */
export class Entries {
  #first: Int32Array;
  #last: Int32Array;
  // Invariant: the sum of the costs in the row's queue.
  #used: Float64Array;

  #atUs = new Float64Array(ENTRIES_AT_FIRST);
  #cost = new Float64Array(ENTRIES_AT_FIRST);
  #next = new Int32Array(ENTRIES_AT_FIRST);
  #previous = new Int32Array(ENTRIES_AT_FIRST);
  #row = new Int32Array(ENTRIES_AT_FIRST);
  #uses = new Int32Array(ENTRIES_AT_FIRST);
  #unused = 0;
  // Entries from here on have never been used.
  #fresh = 0;

  constructor(rows: number) {
    this.#first = new Int32Array(rows);
    this.#last = new Int32Array(rows);
    this.#used = new Float64Array(rows);
  }

  /** The cost in a row's queue. */
  used(row: number): number {
    return this.#used[row]!;
  }

  /** The first entry of a row's queue, or 0. */
  first(row: number): number {
    return this.#first[row]!;
  }

  /** The last entry of a row's queue, or 0. */
  last(row: number): number {
    return this.#last[row]!;
  }

  /** The entry behind this one, or 0. */
  next(entry: number): number {
    return this.#next[entry - 1]!;
  }

  atUs(entry: number): number {
    return this.#atUs[entry - 1]!;
  }

  cost(entry: number): number {
    return this.#cost[entry - 1]!;
  }

  /** Appends an entry. Returns an identity that no later entry has, a whole number above 0. */
  push(row: number, atUs: number, cost: number): number {
    const entry = this.#allocate();
    const index = entry - 1;
    const last = this.#last[row]!;
    this.#atUs[index] = atUs;
    this.#cost[index] = cost;
    this.#row[index] = row + 1;
    this.#previous[index] = last;
    this.#next[index] = 0;
    if (last === 0) this.#first[row] = entry;
    else this.#next[last - 1] = entry;
    this.#last[row] = entry;
    this.#used[row]! += cost;
    return this.#uses[index]! * ENTRIES_MAX + entry;
  }

  /** Adds to the cost of an entry. */
  add(row: number, entry: number, cost: number): void {
    this.#cost[entry - 1]! += cost;
    this.#used[row]! += cost;
  }

  /** Takes an entry out of its row's queue. */
  remove(row: number, entry: number): void {
    const index = entry - 1;
    const previous = this.#previous[index]!;
    const next = this.#next[index]!;
    if (previous === 0) this.#first[row] = next;
    else this.#next[previous - 1] = next;
    if (next === 0) this.#last[row] = previous;
    else this.#previous[next - 1] = previous;
    this.#used[row]! -= this.#cost[index]!;
    this.#row[index] = 0;
    this.#uses[index] = (this.#uses[index]! + 1) % USES_MAX;
    this.#next[index] = this.#unused;
    this.#unused = entry;
  }

  /** Drops the entries at the head of a row's queue that are not later than `untilUs`. */
  dropUntil(row: number, untilUs: number): void {
    for (let entry = this.#first[row]!; entry !== 0; entry = this.#first[row]!) {
      if (this.#atUs[entry - 1]! > untilUs) return;
      this.remove(row, entry);
    }
  }

  /** Takes up to `cost` from the tail of a row's queue. */
  takeBack(row: number, cost: number): void {
    let left = cost;
    for (let entry = this.#last[row]!; entry !== 0 && left > 0; entry = this.#last[row]!) {
      const entryCost = this.#cost[entry - 1]!;
      if (entryCost > left) return this.add(row, entry, -left);
      this.remove(row, entry);
      left -= entryCost;
    }
  }

  /** No entry of the row stays later than `latestUs`. O(1), but O(entries) if one is. */
  setBack(row: number, latestUs: number): void {
    const last = this.#last[row]!;
    if (last === 0 || this.#atUs[last - 1]! <= latestUs) return;
    for (let entry = this.#first[row]!; entry !== 0; entry = this.#next[entry - 1]!) {
      this.#atUs[entry - 1] = Math.min(this.#atUs[entry - 1]!, latestUs);
    }
  }

  /** The row's entry with an identity that `push` returned, or 0 if it has left the queue. */
  find(row: number, identity: number): number {
    const entry = identity % ENTRIES_MAX;
    if (!(entry > 0 && entry <= this.#fresh)) return 0;
    const isTheSame = this.#uses[entry - 1] === Math.floor(identity / ENTRIES_MAX);
    return isTheSame && this.#row[entry - 1] === row + 1 ? entry : 0;
  }

  /** Makes the queue of `to` like that of `from`. O(entries). */
  copy(from: number, to: number): void {
    if (from === to) return;
    this.clear(to);
    for (let entry = this.first(from); entry !== 0; entry = this.next(entry)) {
      this.push(to, this.atUs(entry), this.cost(entry));
    }
  }

  /** Empties a row's queue. */
  clear(row: number): void {
    for (let entry = this.#first[row]!; entry !== 0; entry = this.#first[row]!) {
      this.remove(row, entry);
    }
  }

  grow(rows: number): void {
    this.#first = copied(this.#first, rows);
    this.#last = copied(this.#last, rows);
    this.#used = grown(this.#used, rows);
  }

  #allocate(): number {
    const entry = this.#unused;
    if (entry !== 0) {
      this.#unused = this.#next[entry - 1]!;
      return entry;
    }
    if (this.#fresh === this.#cost.length) this.#double();
    return ++this.#fresh;
  }

  #double(): void {
    const length = this.#cost.length * 2;
    if (length >= ENTRIES_MAX) {
      throw new RangeError(`more than ${ENTRIES_MAX / 2} entries; use a limiter without a log`);
    }
    this.#atUs = grown(this.#atUs, length);
    this.#cost = grown(this.#cost, length);
    this.#next = copied(this.#next, length);
    this.#previous = copied(this.#previous, length);
    this.#row = copied(this.#row, length);
    this.#uses = copied(this.#uses, length);
  }
}

function copied(column: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(length);
  longer.set(column);
  return longer;
}
