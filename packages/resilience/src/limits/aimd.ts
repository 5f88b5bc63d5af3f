// A limit from losses alone: one more call in flight per round trip while all goes well, a tenth
// fewer when a call is dropped. Additive increase with multiplicative decrease is what TCP has done
// since V. Jacobson, "Congestion Avoidance and Control" (SIGCOMM 1988); Chiu & Jain (1989) show
// that of all linear rules it is the one by which clients that share a server come to share it
// evenly.
//
//     answered   limit ← limit + 1/limit        when the limit was in use: +1 per round trip
//     dropped    limit ← limit × 0.9            once per round trip
//
// Netflix's AIMDLimit adds a whole 1 for each answer, which doubles the limit every round trip, and
// takes a tenth for each drop: fifty timeouts of one bad moment leave 0.9⁵⁰ = 0.5 % of it. Here, as
// in TCP, the drops of calls that were admitted before the last decrease count as the same loss.
//
// What it cannot do: it only stops where calls are dropped, so a queue as long as the timeout
// always stands before the server. Give it `rttMsMax` to make "too slow" a loss as well.
import {
  checkBetween,
  checkBounds,
  type Limit,
  type LimitOptions,
  type LimitSample,
} from "./limit.ts";

/** Options of {@link aimd}. */
export interface AimdOptions extends LimitOptions {
  /** What is left after a loss, as a share. From above 0, below 1; default 0.9. */
  backoff?: number;
  /** An answer that took longer than this counts as dropped, in ms. Above 0; default: none does. */
  rttMsMax?: number;
}

/** Grows by one a round trip, and falls by a tenth on a loss. O(1) per sample. */
export class AimdLimit implements Limit {
  readonly #bounds: Required<LimitOptions>;
  readonly #backoff: number;
  readonly #rttMsMax: number;
  // Invariant: limitMin <= exact <= limitMax.
  #exact: number;
  #decreasedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: AimdOptions = {}) {
    const { backoff = 0.9, rttMsMax = Number.MAX_VALUE } = options;
    this.#bounds = checkBounds(options);
    checkBetween("backoff", backoff, 0, 1);
    checkBetween("rttMsMax", rttMsMax, 0, Infinity);
    this.#backoff = backoff;
    this.#rttMsMax = rttMsMax;
    this.#exact = this.#bounds.initialLimit;
  }

  get limit(): number {
    return Math.floor(this.#exact);
  }

  onSample({ rttMs, inFlight, dropped, nowMs }: LimitSample): number {
    if (dropped || rttMs > this.#rttMsMax) {
      if (nowMs - rttMs >= this.#decreasedAtMs) {
        this.#decreasedAtMs = nowMs;
        this.#exact = Math.max(this.#bounds.limitMin, this.#exact * this.#backoff);
      }
    } else if (inFlight >= 0.85 * this.limit) {
      this.#exact = Math.min(this.#bounds.limitMax, this.#exact + 1 / this.#exact);
    }
    return this.limit;
  }
}

/** A limit from losses alone. Throws a RangeError for options out of range. */
export function aimd(options: AimdOptions = {}): AimdLimit {
  return new AimdLimit(options);
}
