// How much work runs under one call. A timeout, a hedge or a caller may give up on work, but only
// the work itself can end: until it does, it holds sockets, memory and the other side's attention,
// and the place in a bulkhead that it was given.
//
// Only a pipeline that has somebody who counts outside of somebody who gives up needs to know; the
// others are spared the cost (see `losesSight` in order.ts).

/** Counts work that runs. */
export class Tally {
  #running = 0;
  #waiting: (() => void)[] = [];

  /** Work has begun; `promise` is how it ends. */
  began(promise: Promise<unknown>): void {
    this.#running++;
    promise.then(this.#ended, this.#ended);
  }

  /** Calls `notify` once nothing runs any more; at once, where nothing does. */
  afterWork(notify: () => void): void {
    if (this.#running === 0) notify();
    else this.#waiting.push(notify);
  }

  readonly #ended = (): void => {
    if (--this.#running > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const notify of waiting) notify();
  };
}
