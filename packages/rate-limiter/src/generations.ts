// A bounded map that forgets the oldest, half of it at a time: what is written goes into the young
// generation; once that is half of the bound, it becomes the old one, and the old one is dropped.
//
// (Deleting the first key of a Map and adding a new one, over and over, is what one would write
// first. V8 leaves a gap for each deleted key and walks over all of them to find the next first:
// at 50,000 keys that took most of a millisecond.)

/** A map with room for at least half of `entriesMax`, and never more than that. O(1). */
export class Generations<V> {
  readonly #half: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  constructor(entriesMax: number) {
    this.#half = Math.max(1, Math.floor(entriesMax / 2));
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, value: V): void {
    this.#old.delete(key);
    if (this.#young.size >= this.#half && !this.#young.has(key)) this.rotate();
    this.#young.set(key, value);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  /** Drops the old generation, and makes the young one old. */
  rotate(): void {
    this.#old = this.#young;
    this.#young = new Map();
  }
}
