// A bounded number of requests in flight over all routes, and a bounded queue before it, first
// come, first served. Every real server has such a limit, said or unsaid: threads, sockets, memory.
// It is what lets one slow dependency take a whole service down (Little's law: in flight = rate ×
// time; 150 requests a second that take 5 s each want 750 places).

/** Hands out at most `max` places at once; up to `queueMax` wait for one. */
export class InFlightLimit {
  readonly #max: number;
  readonly #queueMax: number;
  // Invariant: nobody waits while a place is free.
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  constructor(max: number, queueMax: number) {
    this.#max = max;
    this.#queueMax = queueMax;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Calls `start` with a place, at once or when one is free. Returns how to leave: from the queue,
   * or from the place. `undefined`: the queue is full, and `start` will not be called.
   */
  enter(start: () => void): (() => void) | undefined {
    if (this.#taken < this.#max) {
      this.#taken++;
      start();
      return this.#leaveOnce();
    }
    if (this.#waiting.size >= this.#queueMax) return undefined;
    let leave: (() => void) | undefined;
    const waiter = () => {
      leave = this.#leaveOnce();
      start();
    };
    this.#waiting.add(waiter);
    return () => {
      if (!this.#waiting.delete(waiter)) leave?.();
    };
  }

  #leaveOnce(): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const [next] = this.#waiting;
      if (next === undefined) {
        this.#taken--;
      } else {
        // The place passes from hand to hand, so that nobody can overtake the queue.
        this.#waiting.delete(next);
        next();
      }
    };
  }
}
