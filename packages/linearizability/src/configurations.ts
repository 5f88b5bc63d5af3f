// The configurations that a search has visited, in one growing array of integers. Each is
//
//   at       the first return whose operation is not linearized yet (an index of Schedule.events)
//   state    the number of the model's state
//   choice   what led here: which operation was linearized or passed over
//   parent   the configuration before it
//   next     the next configuration with the same hash
//   similar  the next one with the same hash over all but reads and unknown operations
//   words    bits of what is linearized and has not returned: mutators, then reads, then those of
//            unknown outcome
//
// `at` says which operations have returned, and all those are linearized; so the words need one bit
// for each operation that is open at a time, not for each of the history. With fifty clients and a
// hundred thousand operations that is three words a configuration instead of three thousand.
//
// A configuration is not worth visiting if one that dominates it was visited: same `at`, state and
// mutators, no read fewer linearized, no unknown operation more. Whatever completes the one
// completes the other, without the reads it already has, and without the unknown operations it has
// used up, which nobody needs. Lowe's cache is the special case of equality.
//
// Equality is found by hashing, however many there are. What dominates without being equal is
// sought among the last few that are equal in all but reads and unknown operations: missing one
// costs time.

/** Offsets of the fields, in integers. */
export const fields = {
  at: 0,
  state: 1,
  choice: 2,
  parent: 3,
  next: 4,
  similar: 5,
  words: 6,
} as const;

/** How many words of 32 bits each kind of operation takes. */
export interface Words {
  readonly mutators: number;
  readonly reads: number;
  readonly unknown: number;
}

/** Bytes that several searches share. */
export interface MemoryPool {
  used: number;
  readonly bytesMax: number;
}

const FIRST_ENTRIES = 16;
const SIMILAR_MAX = 24;

/** The visited configurations of one search. */
export class Configurations {
  readonly #mutators: number;
  readonly #reads: number;
  readonly #words: number;
  readonly #size: number;
  readonly #pool: MemoryPool;
  #data: Int32Array;
  // Heads of the chains; a power of two, at most as many entries as heads.
  #heads: Int32Array;
  #similarHeads: Int32Array;
  #count = 0;

  constructor(words: Words, pool: MemoryPool) {
    this.#mutators = words.mutators;
    this.#reads = words.mutators + words.reads;
    this.#words = this.#reads + words.unknown;
    this.#size = fields.words + this.#words;
    this.#pool = pool;
    this.#data = new Int32Array(FIRST_ENTRIES * this.#size);
    this.#heads = new Int32Array(FIRST_ENTRIES).fill(-1);
    this.#similarHeads = this.#heads.slice();
    pool.used += this.bytes;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** What they occupy. */
  get bytes(): number {
    return this.#data.byteLength + 2 * this.#heads.byteLength;
  }

  /** A field of a configuration. */
  get(entry: number, field: number): number {
    return this.#data[entry * this.#size + field] as number;
  }

  /** Copies the words of a configuration. */
  readWords(entry: number, into: Int32Array): void {
    const start = entry * this.#size + fields.words;
    for (let i = 0; i < this.#words; i++) into[i] = this.#data[start + i] as number;
  }

  /** Whether one that dominates this was added before. */
  dominated(at: number, state: number, words: Int32Array): boolean {
    const data = this.#data;
    let entry = this.#heads[this.#hash(at, state, words, 0, this.#words)] as number;
    while (entry >= 0) {
      const base = entry * this.#size;
      if (data[base] === at && data[base + fields.state] === state && this.#equals(base, words)) {
        return true;
      }
      entry = data[base + fields.next] as number;
    }
    if (this.#words === this.#mutators) return false;
    entry = this.#similarHeads[this.#hash(at, state, words, 0, this.#mutators)] as number;
    for (let tries = 0; entry >= 0 && tries < SIMILAR_MAX; tries++) {
      const base = entry * this.#size;
      if (data[base] === at && data[base + fields.state] === state) {
        if (this.#dominates(base + fields.words, words)) return true;
      }
      entry = data[base + fields.similar] as number;
    }
    return false;
  }

  #equals(base: number, words: Int32Array): boolean {
    for (let i = 0; i < this.#words; i++) {
      if (this.#data[base + fields.words + i] !== words[i]) return false;
    }
    return true;
  }

  #dominates(start: number, words: Int32Array): boolean {
    const data = this.#data;
    let i = 0;
    for (; i < this.#mutators; i++) if (data[start + i] !== words[i]) return false;
    for (; i < this.#reads; i++) {
      if (((words[i] as number) & ~(data[start + i] as number)) !== 0) return false;
    }
    for (; i < this.#words; i++) {
      if (((data[start + i] as number) & ~(words[i] as number)) !== 0) return false;
    }
    return true;
  }

  /** Adds one and returns its number, or -1 where the pool has not the memory for it. */
  add(at: number, state: number, choice: number, parent: number, words: Int32Array): number {
    if (this.#count === this.#heads.length && !this.#grow()) return -1;
    const entry = this.#count++;
    const base = entry * this.#size;
    const data = this.#data;
    data[base] = at;
    data[base + fields.state] = state;
    data[base + fields.choice] = choice;
    data[base + fields.parent] = parent;
    for (let i = 0; i < this.#words; i++) data[base + fields.words + i] = words[i] as number;
    this.#link(entry);
    return entry;
  }

  #link(entry: number): void {
    const data = this.#data;
    const base = entry * this.#size;
    const at = data[base] as number;
    const state = data[base + fields.state] as number;
    const head = this.#hash(at, state, data, base + fields.words, this.#words);
    data[base + fields.next] = this.#heads[head] as number;
    this.#heads[head] = entry;
    if (this.#words === this.#mutators) return;
    const similar = this.#hash(at, state, data, base + fields.words, this.#mutators);
    data[base + fields.similar] = this.#similarHeads[similar] as number;
    this.#similarHeads[similar] = entry;
  }

  /** Gives the memory back. Nothing may be asked afterwards. */
  free(): void {
    this.#pool.used -= this.bytes;
    this.#data = new Int32Array(0);
    this.#heads = new Int32Array(0);
    this.#similarHeads = new Int32Array(0);
  }

  #grow(): boolean {
    const entries = this.#heads.length * 2;
    const bytes = 4 * entries * (this.#size + 2);
    // While it grows, the old array and the new one exist at once.
    if (this.#pool.used + bytes > this.#pool.bytesMax) return false;
    this.#pool.used += bytes - this.bytes;
    const data = new Int32Array(entries * this.#size);
    data.set(this.#data);
    this.#data = data;
    this.#heads = new Int32Array(entries).fill(-1);
    this.#similarHeads = this.#heads.slice();
    for (let entry = 0; entry < this.#count; entry++) this.#link(entry);
    return true;
  }

  #hash(at: number, state: number, words: Int32Array, start: number, length: number): number {
    let hash = Math.imul(at, 0x9e37_79b1) ^ Math.imul(state, 0x85eb_ca6b);
    for (let i = 0; i < length; i++) {
      hash = Math.imul(hash ^ (words[start + i] as number), 0xc2b2_ae35);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash ^ (hash >>> 13), 0x27d4_eb2f);
    return (hash ^ (hash >>> 16)) & (this.#heads.length - 1);
  }
}
