// Who waits until something holds of a node, such as that another member leads. Conditions are
// looked at after all work and with every tick: there are to be few of them, and cheap ones.

interface Watcher {
  readonly condition: () => boolean;
  readonly deadlineMs: number;
  readonly resolve: (met: boolean) => void;
}

/** Those who wait. */
export class Watchers {
  #waiting: Watcher[] = [];
  #ended = false;

  /** How many wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves to true once that holds; to false when it is too late, or the node has ended.
   *
   * @throws the signal's reason
   */
  async until(
    condition: () => boolean,
    deadlineMs: number,
    signal?: AbortSignal,
  ): Promise<boolean> {
    signal?.throwIfAborted();
    if (condition()) return true;
    // Nobody looks any more: whoever waited now would wait for ever.
    if (this.#ended) return false;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const watcher: Watcher = { condition, deadlineMs, resolve };
    const onAbort = (): void => {
      this.#waiting = this.#waiting.filter((each) => each !== watcher);
      reject(signal?.reason);
    };
    this.#waiting.push(watcher);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Looks whether it holds by now. */
  look(nowMs: number): void {
    this.#waiting = this.#waiting.filter(({ condition, deadlineMs, resolve }) => {
      const met = condition();
      const isOver = met || deadlineMs <= nowMs;
      if (isOver) resolve(met);
      return !isOver;
    });
  }

  /** Nothing will hold any more that does not now. */
  end(): void {
    this.#ended = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve(false);
  }
}
