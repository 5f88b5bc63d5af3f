// A sliding window over the append messages that are on their way to one follower (thesis §10.2.1,
// pipelining). Each is remembered by its last entry's index and its size; an acknowledgement frees
// every message up to the index it names, because a follower that has an entry has all before it.
//
// A ring that grows on demand: a group of many followers, most of which keep up, should not pay for
// the few that do not.

/** The append messages in flight to one follower, bounded in number and in bytes. */
export class Inflights {
  readonly #countMax: number;
  readonly #bytesMax: number;
  // Invariant: the `count` places from #first on hold rising indexes; their sizes add up to #bytes.
  #indexes: number[] = [];
  #sizes: number[] = [];
  #first = 0;
  #bytes = 0;
  /** How many messages are in flight. */
  count = 0;

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  /** Whether another message must wait. The one that crosses the bound in bytes is still sent. */
  get full(): boolean {
    return this.count >= this.#countMax || this.#bytes >= this.#bytesMax;
  }

  /** Notes a message whose last entry is `index`; indexes never fall. */
  add(index: number, bytes: number): void {
    if (this.count === this.#indexes.length) this.#grow();
    const at = (this.#first + this.count) % this.#indexes.length;
    this.#indexes[at] = index;
    this.#sizes[at] = bytes;
    this.#bytes += bytes;
    this.count++;
  }

  /** Frees the messages whose last entry is at most `index`. */
  freeUpTo(index: number): void {
    while (this.count > 0 && (this.#indexes[this.#first] as number) <= index) {
      this.#bytes -= this.#sizes[this.#first] as number;
      this.#first = (this.#first + 1) % this.#indexes.length;
      this.count--;
    }
  }

  /** Forgets all messages: they arrived, or they never will. */
  reset(): void {
    this.#first = 0;
    this.#bytes = 0;
    this.count = 0;
  }

  #grow(): void {
    const capacity = this.#indexes.length;
    const indexes: number[] = [];
    const sizes: number[] = [];
    for (let offset = 0; offset < capacity; offset++) {
      const at = (this.#first + offset) % capacity;
      indexes.push(this.#indexes[at] as number);
      sizes.push(this.#sizes[at] as number);
    }
    for (let added = 0; added < Math.max(capacity, 4); added++) {
      indexes.push(0);
      sizes.push(0);
    }
    this.#indexes = indexes;
    this.#sizes = sizes;
    this.#first = 0;
  }
}
