// What stands for what, since something was undone: remembered up to a bound, for without one a
// document that is undone and done again for a year would only grow.

/** How many are remembered: the latest. */
export const RECENT_MAX = 65_536;

/** A map that forgets its oldest entries. */
export class Recent<K, V> {
  readonly #entries: Map<K, V> = new Map();
  // Goes on where it was: another one would have to pass over all that was forgotten before.
  readonly #oldest: Iterator<K> = this.#entries.keys();

  /** What was remembered of a key, if it was not forgotten. */
  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** Remembers something. */
  set(key: K, value: V): void {
    this.#entries.set(key, value);
    if (this.#entries.size > RECENT_MAX) this.#entries.delete(this.#oldest.next().value as K);
  }
}
