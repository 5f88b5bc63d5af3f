// A limit from the length of the queue, after TCP Vegas (Brakmo & Peterson, "TCP Vegas", IEEE JSAC
// 1995). By Little's law, of `limit` calls in flight
//
//     queue = limit × (1 − noLoadRtt / rtt)
//
// are not being worked on but waiting. With log = max(1, log₁₀ limit), and as in Netflix's
// VegasLimit:
//
//     queue <= log           limit + 6 log        hardly anybody waits
//     queue <  3 log         limit + log
//     queue in 3..6 log      as it is             a short queue keeps every worker busy
//     queue >  6 log         limit − log
//     something dropped      limit − log
//
// noLoadRtt is where such limits go wrong. Netflix's is the least response time of any call, which
// for scattered service times is next to nothing; and every thousand calls or so it is replaced by
// that of the next call, whatever the load, so that a queue that stands becomes the norm (issues
// 165 and 35). Here both are means over sample windows, and for the replacement the limit falls to
// half for one window, so that the queue is gone while it is measured. What remains is slowness: a
// step is log₁₀ of the limit, so that halved capacity takes more than a hundred round trips.
import {
  checkBounds,
  checkWhole,
  type Limit,
  type LimitOptions,
  type LimitSample,
} from "./limit.ts";
import { SampleWindow, type WindowOptions, type WindowResult } from "./sample-window.ts";

/** Options of {@link vegas}. */
export interface VegasOptions extends LimitOptions {
  /**
   * Windows between two measurements of the response time without load. A whole number from 1;
   * default 30.
   */
  probeEvery?: number;
  /** When a sample window ends. Default: a precision of 0.1. */
  window?: WindowOptions;
}

/** Keeps a short queue before the server. O(1) per sample. */
export class VegasLimit implements Limit {
  readonly #bounds: Required<LimitOptions>;
  readonly #probeEvery: number;
  readonly #window: SampleWindow;
  // Invariant: limitMin <= limit, exact <= limitMax.
  #limit: number;
  #exact: number;
  #noLoadRttMs = Number.POSITIVE_INFINITY;
  #windowsToProbe: number;
  #probing = false;

  constructor(options: VegasOptions = {}) {
    const { probeEvery = 30 } = options;
    this.#bounds = checkBounds(options);
    checkWhole("probeEvery", probeEvery, 1, Number.MAX_SAFE_INTEGER);
    this.#probeEvery = this.#windowsToProbe = probeEvery;
    this.#window = new SampleWindow({ precision: 0.1, ...options.window });
    this.#limit = this.#exact = this.#bounds.initialLimit;
  }

  get limit(): number {
    return this.#limit;
  }

  /** The response time without a queue, in ms; Infinity until a window has ended. */
  get noLoadRttMs(): number {
    return this.#noLoadRttMs;
  }

  onSample(sample: LimitSample): number {
    const window = this.#window.add(sample);
    if (window !== undefined) this.#act(window);
    return this.#limit;
  }

  #act(window: WindowResult): void {
    const { rttMs, inFlight, dropShare } = window;
    if (this.#probing) {
      this.#probing = false;
      if (!Number.isNaN(rttMs)) this.#noLoadRttMs = rttMs;
      return this.#enter(this.#exact, window);
    }
    if (rttMs < this.#noLoadRttMs) this.#noLoadRttMs = rttMs;
    const log = Math.max(1, Math.log10(this.#exact));
    const pressed = inFlight >= 0.85 * this.#limit;
    if (dropShare > 0) this.#exact -= log;
    else if (pressed) this.#exact += this.#step(this.#exact * (1 - this.#noLoadRttMs / rttMs), log);
    const { limitMin, limitMax } = this.#bounds;
    this.#exact = Math.min(limitMax, Math.max(limitMin, this.#exact));
    this.#probing = pressed && --this.#windowsToProbe <= 0 && this.#exact / 2 >= limitMin;
    if (this.#probing) this.#windowsToProbe = this.#probeEvery;
    this.#enter(this.#probing ? this.#exact / 2 : this.#exact, window);
  }

  #step(queue: number, log: number): number {
    if (queue <= log) return 6 * log;
    if (queue < 3 * log) return log;
    return queue > 6 * log ? -log : 0;
  }

  #enter(exact: number, { nowMs, rttMs }: WindowResult): void {
    const before = this.#limit;
    this.#limit = Math.floor(exact);
    // Until a round trip has passed, answers come from calls under the limit before.
    if (this.#limit !== before) this.#window.restart(nowMs + (Number.isNaN(rttMs) ? 0 : rttMs));
  }
}

/**
 * A limit that keeps a short queue before the server. Throws a RangeError for options out of range.
 */
export function vegas(options: VegasOptions = {}): VegasLimit {
  return new VegasLimit(options);
}
