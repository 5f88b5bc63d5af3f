// Those who want to be told. One who edits when he is told something causes the next event while
// others have not heard of this one; so events wait for each other, and everybody hears them in the
// order in which they happened. A copy that is kept up with events would go wrong otherwise.
//
// A listener that throws must neither change what a call returns nor silence those after it, so its
// error surfaces where errors without an owner do: as an uncaught exception.

/** Listeners for events of one type. */
export class Listeners<T> {
  readonly #all: Set<(event: T) => void> = new Set();
  readonly #untold: T[] = [];
  #isTelling = false;

  /** How many there are. */
  get size(): number {
    return this.#all.size;
  }

  /** Adds one, until it is disposed of: twice, if it is added twice. */
  add(listener: (event: T) => void): Disposable {
    const own = (event: T): void => listener(event);
    this.#all.add(own);
    return { [Symbol.dispose]: () => void this.#all.delete(own) };
  }

  /** Tells all of an event, after those before it. */
  tell(event: T): void {
    this.#untold.push(event);
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let next = this.#untold.shift(); next !== undefined; next = this.#untold.shift()) {
      for (const listener of this.#all) {
        try {
          listener(next);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    }
    this.#isTelling = false;
  }
}
