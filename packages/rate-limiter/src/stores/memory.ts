// Which row of the tables belongs to which key, and which keys can be forgotten.
//
// A key whose limit is full again is in the state of one that has never been seen: forgetting it
// changes no decision. Forgetting any other key would give it its limit anew, so that is never
// done, as it is in a cache that drops the least recently used. There is no timer: a hand goes
// round over the rows, two with every new key, and lets go what is full. So rows are used again
// long before there are `keysMax` of them. Is the bound reached, the hand goes further for a free
// row, though not on and on: a flood of new keys must not make each of them cost a walk over a
// million.
import type { StoredKey } from "../key.ts";

const ROWS_AT_FIRST = 16;
// Numbers are cheap to copy, and room that nobody uses is not.
const GROWTH = 1.25;
const STEPS = 2;
const STEPS_AT_BOUND = 64;

/** What the rows are in: told when to grow, and asked which may go. */
export interface Rows {
  /** Whether nothing would change if the row were new. */
  isFull(row: number, nowUs: number): boolean;
  /** Makes a row new. */
  clear(row: number): void;
  /** Makes room for more rows. */
  grow(rows: number): void;
}

/** A bounded memory of keys. Row 0 belongs to no key: it is always new. */
export class MemoryStore {
  /** How many keys may be remembered. */
  readonly keysMax: number;
  readonly #rows: Rows;
  readonly #rowOf = new Map<StoredKey, number>();
  // The rows below #fresh that belong to no key, but for row 0. Those from #fresh on have never
  // belonged to any.
  readonly #free: number[] = [];
  readonly #pinned = new Set<number>();
  #fresh = 1;
  #capacity = ROWS_AT_FIRST;
  // An iterator of a Map bears that keys come and go meanwhile; so it need not know which key a row
  // belongs to, only the other way round.
  #hand = this.#rowOf.entries();
  #forgotten = 0;

  constructor(rows: Rows, keysMax: number) {
    this.#rows = rows;
    this.keysMax = keysMax;
    rows.grow(this.#capacity);
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#rowOf.size;
  }

  /** Keys that were full again, and have been forgotten. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** The key's row, or undefined. O(1). */
  find(key: StoredKey): number | undefined {
    return this.#rowOf.get(key);
  }

  /** A new row for a key that has none; 0 when there is no room. Amortised O(1). */
  add(key: StoredKey, nowUs: number): number {
    const isAtBound = this.#rowOf.size >= this.keysMax;
    this.#sweep(isAtBound ? STEPS_AT_BOUND : STEPS, nowUs);
    const row = this.#free.pop() ?? this.#append();
    if (row === 0) return 0;
    this.#rows.clear(row);
    this.#rowOf.set(key, row);
    return row;
  }

  /** Forgets a key, full or not. */
  delete(key: StoredKey): void {
    const row = this.#rowOf.get(key);
    if (row !== undefined) this.#release(row, key);
  }

  /** Keeps a row from being let go until `unpin`. */
  pin(row: number): void {
    this.#pinned.add(row);
  }

  unpin(): void {
    this.#pinned.clear();
  }

  #append(): number {
    if (this.#fresh > this.keysMax) return 0;
    if (this.#fresh === this.#capacity) {
      this.#capacity = Math.min(Math.ceil(this.#capacity * GROWTH), this.keysMax + 1);
      this.#rows.grow(this.#capacity);
    }
    return this.#fresh++;
  }

  #sweep(stepsMax: number, nowUs: number): void {
    const steps = Math.min(stepsMax, this.#rowOf.size);
    for (let step = 0; step < steps; step++) {
      const [key, row] = this.#step();
      if (this.#pinned.has(row) || !this.#rows.isFull(row, nowUs)) continue;
      this.#release(row, key);
      this.#forgotten++;
      if (stepsMax === STEPS_AT_BOUND) return;
    }
  }

  // The next key round, of at least one.
  #step(): [StoredKey, number] {
    const next = this.#hand.next();
    if (!next.done) return next.value;
    this.#hand = this.#rowOf.entries();
    return this.#hand.next().value!;
  }

  #release(row: number, key: StoredKey): void {
    // Entries of a log are given back now, not when the row is used again.
    this.#rows.clear(row);
    this.#rowOf.delete(key);
    this.#free.push(row);
  }
}
