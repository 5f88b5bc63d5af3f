// How late the event loop is: a timer is set for a known moment, and what passes beyond it was
// spent in somebody's synchronous code. Every request in the process has waited that long as
// well, though no handler of it ran and no trace of it shows a span.
//
// Node's own `monitorEventLoopDelay` is not used. It offers percentiles only, which cannot be shown
// without resetting them at each scrape or averaging over the life of the process, and its values
// include the sampling interval.
//
// Left out: the correction for coordinated omission. A stall of a second is one observation of a
// second, not fifty of descending length, so that the count is that of wake-ups.

import { performance } from "node:perf_hooks";
import { Histogram, type HistogramSnapshot } from "./histogram.ts";

const BOUNDS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Samples the delay of the event loop until it is disposed; does not keep the process alive. */
export class EventLoopDelay implements Disposable {
  readonly #histogram = new Histogram(BOUNDS_SECONDS);
  readonly #everyMs: number;
  #dueMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param everyMs milliseconds between two samples, an integer in [1, 60000]
   * @throws RangeError when it is not
   */
  constructor(everyMs: number) {
    if (!(Number.isInteger(everyMs) && everyMs >= 1 && everyMs <= 60_000)) {
      throw new RangeError(
        `eventLoopSampleEveryMs must be an integer in [1, 60000], got ${everyMs}`,
      );
    }
    this.#everyMs = everyMs;
    this.#arm();
  }

  /** Delays in seconds, since construction. */
  snapshot(): HistogramSnapshot {
    return this.#histogram.snapshot();
  }

  /** Stops sampling. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    this.#dueMs = performance.now() + this.#everyMs;
    this.#timer = setTimeout(this.#sample, this.#everyMs).unref();
  }

  readonly #sample = (): void => {
    // setTimeout may fire up to a millisecond early; that is no negative delay.
    this.#histogram.observe(Math.max(0, performance.now() - this.#dueMs) / 1_000);
    this.#arm();
  };
}
