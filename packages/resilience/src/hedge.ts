// A second attempt while the first is still out. In a large system somebody is always slow: a
// pause, a full queue, a lost packet. What is rarely slow is two of them at once. So whoever has
// waited longer than nearly every call takes asks again, and takes the first answer (J. Dean,
// L. A. Barroso, "The Tail at Scale", CACM 56:2, 2013: p99.9 of 1,800 ms down to 74 ms for 2 % more
// requests).
//
//     attempt 1  ├──────────────────── still out ─────────────────╳ aborted: HEDGE_LOST
//     attempt 2                 ├─────────── answer ─▶ caller
//                └─ longer than ┘
//                   95 % take
//
// Hedging is for slowness, retrying for failure. A failed attempt therefore starts no other one, as
// it would in gRPC (gRFC A6), where a method has either hedging or retries; here a retry outside
// does that, with its back-off. What is A6: a failure does not end the call while another attempt
// is out, a fatal one does, and pushback is heeded. Envoy hedges on a fixed per-try timeout; here
// the delay is measured.
//
// The estimate must not be blinded by its own success. A first attempt that lost is counted with
// the time it had been out: less than it would have taken, but longer than the delay, and how many
// lie beyond the delay is what a percentile needs to know. If they become too many, the delay
// climbs from window to window, until as many calls are hedged as it should be; meanwhile the
// budget holds.
import type { Call } from "./call.ts";
import { Race, type Shared } from "./hedge-race.ts";
import { LatencyQuantile } from "./latency-quantile.ts";
import type { Next, Policy } from "./policy.ts";
import type { AttemptResult } from "./retry.ts";
import { RetryBudget } from "./retry-budget.ts";

/** What pays for hedges; a {@link RetryBudget} is one. */
export interface HedgeBudget {
  /** A call begins. */
  requested(): void;
  /** A call succeeded. */
  succeeded(): void;
  /** Pays for one hedge, if there is enough. */
  withdraw(): boolean;
}

/** Options of {@link hedge}. */
export interface HedgeOptions {
  /** Hedges after this many ms instead of a measured percentile. Above 0. */
  delayMs?: number;
  /**
   * Hedges what takes longer than this percentage of the recent calls. Between 0 and 100,
   * exclusive; default 95.
   */
  percentile?: number;
  /** No hedge before so many latencies are known. A whole number from 1; default 100. */
  minimumCalls?: number;
  /** The percentile looks back one to two times this, in ms. Above 0; default 30,000. */
  windowMs?: number;
  /** How many attempts there may be in all, one delay apart. A whole number from 2; default 2. */
  attemptsMax?: number;
  /** Limits hedges to a share of the calls. Default: a budget of its own, 5 % of the successes. */
  budget?: HedgeBudget;
  /**
   * Whether this outcome is a failure, so that another attempt's is awaited. Default: rejections.
   */
  isFailure?: (result: AttemptResult) => boolean;
  /** Whether every attempt would fail like this one, so that it ends the call. Default: none is. */
  isFatal?: (result: AttemptResult) => boolean;
  /**
   * How long the other side asked to be left alone, in ms: no call is hedged so long; negative:
   * this one never. Default: the error's `retryAfterMs`.
   */
  retryAfterMs?: (result: AttemptResult) => number | undefined;
  /** Hedges calls that did not say they are idempotent. Default false. */
  evenIfNotIdempotent?: boolean;
}

/** What a hedge has counted. */
export interface HedgeStats {
  /** Calls that might have been hedged. */
  calls: number;
  /** Attempts made besides the first. */
  hedges: number;
  /** Calls that another attempt than the first answered. */
  wonByHedge: number;
  /** Hedges not made: no budget. */
  overBudget: number;
  /** Calls that were only watched: too few latencies were known. */
  unmeasured: number;
  /** Calls passed through unhedged: not idempotent. */
  notIdempotent: number;
  /** After how many ms the last call would have been hedged; undefined: not at all. */
  delayMs: number | undefined;
}

/**
 * Starts another attempt of an idempotent call that takes long. The first success wins, and the
 * others are aborted. A hedge starts up to 16 ms late: it waits on the wheel of all deadlines.
 */
export class HedgePolicy implements Policy {
  readonly kind = "hedge";
  readonly #shared: Shared;

  constructor(options: HedgeOptions = {}) {
    const { delayMs, attemptsMax = 2 } = options;
    if (delayMs !== undefined && !(delayMs > 0 && delayMs < Infinity)) {
      throw new RangeError(`delayMs must be a number above 0, got ${delayMs}`);
    }
    if (!(Number.isInteger(attemptsMax) && attemptsMax >= 2)) {
      throw new RangeError(`attemptsMax must be a whole number from 2, got ${attemptsMax}`);
    }
    const { percentile = 95, minimumCalls = 100, windowMs = 30_000 } = options;
    this.#shared = {
      options,
      attemptsMax,
      budget: options.budget ?? new RetryBudget({ ratio: 0.05 }),
      latencies: new LatencyQuantile({ percentile, minimumCalls, windowMs }),
      notBeforeMs: Number.NEGATIVE_INFINITY,
      counts: {
        calls: 0,
        hedges: 0,
        wonByHedge: 0,
        overBudget: 0,
        unmeasured: 0,
        notIdempotent: 0,
        delayMs,
      },
    };
  }

  run<T>(call: Call, next: Next<T>): Promise<T> {
    const { options, counts, latencies, budget } = this.#shared;
    if (!call.idempotent && options.evenIfNotIdempotent !== true) {
      counts.notIdempotent++;
      return next(call);
    }
    counts.calls++;
    budget.requested();
    const now = call.clock.now();
    const delayMs = options.delayMs ?? latencies.valueMs(now);
    counts.delayMs = delayMs;
    if (delayMs === undefined) counts.unmeasured++;
    return new Promise((resolve, reject) => {
      new Race(this.#shared, call, next, delayMs, resolve, reject).start(now);
    });
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): HedgeStats {
    return { ...this.#shared.counts };
  }
}

/**
 * Hedges calls that take long: after a measured percentile of their latencies, or `delayMs`. Throws
 * a RangeError for options out of range.
 */
export function hedge(options: HedgeOptions = {}): HedgePolicy {
  return new HedgePolicy(options);
}
