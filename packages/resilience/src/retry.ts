// Tries again, where trying again can help: after failures that pass, for calls that may be made
// twice, within a budget, before the deadline, and never while somebody has said "not before".
//
//     attempt ─▶ failed ─▶ may it pass? ─▶ may it be made twice? ─▶ before the deadline? ─▶ paid
//     for?
//        ▲                                                                                    │
//        └────────────────────────────── wait, with jitter ◀──────────────────────────────────┘
//
// A call that is aborted while it waits ends in that turn, and makes no further attempt. What it
// had paid is not paid back: the budget is an upper bound, and stays one.
import { type Random, systemRandom } from "@compendium/runtime";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import type { Call } from "./call.ts";
import { isLocalRefusal } from "./errors.ts";
import type { Next, Policy } from "./policy.ts";
import type { RetryBudget } from "./retry-budget.ts";

/** How an attempt came out, in the words of `Promise.allSettled`. */
export type AttemptResult = PromiseSettledResult<unknown>;

/** Options of {@link retry}. */
export interface RetryOptions {
  /** How many attempts there may be in all. A whole number from 1; default 3. */
  attemptsMax?: number;
  /** The waits between attempts. */
  backoff?: BackoffOptions;
  /**
   * Whether this outcome may be better next time. Default: failures, except for refusals of this
   * process (a breaker, a bulkhead, a limit), a passed deadline, and misuse.
   */
  retryIf?: (result: AttemptResult) => boolean;
  /**
   * How long the other side asked to be left alone, in ms; negative: for good (gRPC pushback). The
   * back-off comes on top, or all whom it asked would return together. Default: the error's
   * `retryAfterMs`.
   */
  retryAfterMs?: (result: AttemptResult) => number | undefined;
  /**
   * A call does not wait when it is asked to for longer than this, in ms: it fails at once. From 0;
   * default 60,000.
   */
  retryAfterMsMax?: number;
  /**
   * Limits retries to a share of the traffic. Strongly advised wherever many clients share a
   * server.
   */
  budget?: RetryBudget;
  /** Retries calls that did not say they are idempotent. Default false. */
  evenIfNotIdempotent?: boolean;
  /** Draws the jitter. Default: the process's own. */
  random?: Pick<Random, "below">;
}

/** What a retry has counted. Each call is one of the first four, once it has ended. */
export interface RetryStats {
  /** Calls that succeeded at once. */
  firstTime: number;
  /** Calls that succeeded after at least one retry. */
  afterRetry: number;
  /** Calls that failed. */
  failed: number;
  /** Calls that were aborted before they had an answer. */
  cancelled: number;
  /** Retries made. */
  retries: number;
  /** Retries not made: no budget. */
  overBudget: number;
  /** Retries not made: the call is not idempotent. */
  notIdempotent: number;
  /** Retries not made: the deadline would have passed first, or the wait asked for is too long. */
  tooLate: number;
}

/** Repeats failed attempts. */
export class RetryPolicy implements Policy {
  readonly kind = "retry";
  readonly #options: RetryOptions;
  readonly #attemptsMax: number;
  readonly #retryAfterMsMax: number;
  readonly #backoff: Backoff;
  readonly #stats: RetryStats = {
    firstTime: 0,
    afterRetry: 0,
    failed: 0,
    cancelled: 0,
    retries: 0,
    overBudget: 0,
    notIdempotent: 0,
    tooLate: 0,
  };

  constructor(options: RetryOptions = {}) {
    const { attemptsMax = 3, retryAfterMsMax = 60_000, backoff = {} } = options;
    if (!(Number.isInteger(attemptsMax) && attemptsMax >= 1)) {
      throw new RangeError(`attemptsMax must be a whole number from 1, got ${attemptsMax}`);
    }
    if (!(retryAfterMsMax >= 0 && retryAfterMsMax < Infinity)) {
      throw new RangeError(`retryAfterMsMax must be a number from 0, got ${retryAfterMsMax}`);
    }
    this.#options = options;
    this.#attemptsMax = attemptsMax;
    this.#retryAfterMsMax = retryAfterMsMax;
    this.#backoff = new Backoff(backoff, options.random ?? systemRandom);
  }

  run<T>(call: Call, next: Next<T>): Promise<T> {
    this.#options.budget?.requested();
    return next(call).then(
      (value) => {
        if (this.#options.retryIf === undefined) return this.#succeed(value, 1);
        return this.#judge({ status: "fulfilled", value }, { call, next, attempt: 1, lastMs: 0 });
      },
      (reason) =>
        this.#judge({ status: "rejected", reason }, { call, next, attempt: 1, lastMs: 0 }),
    );
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): RetryStats {
    return { ...this.#stats };
  }

  #succeed<T>(value: T, attempt: number): T {
    if (attempt === 1) this.#stats.firstTime++;
    else this.#stats.afterRetry++;
    this.#options.budget?.succeeded();
    return value;
  }

  // The outcome of an attempt: the end of the call, or the reason for another attempt.
  #judge<T>(result: PromiseSettledResult<T>, at: Progress<T>): T | Promise<T> {
    if (at.call.aborted) return this.#endAborted(result, at.attempt);
    let verdict: Wait | "over" | "no more";
    try {
      const { retryIf = mayPass } = this.#options;
      verdict = retryIf(result) ? this.#waitBefore(result, at) : "over";
    } catch (error) {
      // A predicate that throws fails its call with what it threw.
      this.#stats.failed++;
      throw error;
    }
    if (verdict === "over" && result.status === "fulfilled") {
      return this.#succeed(result.value, at.attempt);
    }
    if (typeof verdict === "string") return this.#fail(result);
    const { backoffMs, askedMs } = verdict;
    return pause(at.call, askedMs + backoffMs).then(
      () => this.#again(at, backoffMs),
      (reason) => this.#cancel(reason),
    );
  }

  #again<T>(at: Progress<T>, lastMs: number): Promise<T> | T {
    const { call, next } = at;
    // Between the timer and this continuation somebody may have given up.
    if (call.aborted) return this.#cancel(call.reason);
    this.#stats.retries++;
    const progress = { ...at, attempt: at.attempt + 1, lastMs };
    return next(call).then(
      (value) => this.#judge({ status: "fulfilled", value }, progress),
      (reason) => this.#judge({ status: "rejected", reason }, progress),
    );
  }

  // An answer is an answer, even if nobody waits for it any more.
  #endAborted<T>(result: PromiseSettledResult<T>, attempt: number): T {
    if (result.status === "fulfilled") return this.#succeed(result.value, attempt);
    return this.#cancel(result.reason);
  }

  #fail<T>(result: PromiseSettledResult<T>): T {
    this.#stats.failed++;
    if (result.status === "fulfilled") return result.value;
    throw result.reason;
  }

  #cancel(reason: unknown): never {
    this.#stats.cancelled++;
    throw reason;
  }

  // How long to wait before another attempt, if there shall be one.
  #waitBefore<T>(result: AttemptResult, { call, attempt, lastMs }: Progress<T>): Wait | "no more" {
    const { budget, evenIfNotIdempotent = false, retryAfterMs = askedToWait } = this.#options;
    if (attempt >= this.#attemptsMax) return "no more";
    if (!call.idempotent && !evenIfNotIdempotent) {
      this.#stats.notIdempotent++;
      return "no more";
    }
    // What is no number asks for nothing.
    const askedMs = retryAfterMs(result) || 0;
    if (askedMs < 0) return "no more";
    const backoffMs = this.#backoff.waitMs(attempt, lastMs);
    // An attempt that begins after the deadline is work for nobody.
    if (askedMs > this.#retryAfterMsMax || askedMs + backoffMs >= call.remainingMs()) {
      this.#stats.tooLate++;
      return "no more";
    }
    // Asked last, because asking is paying.
    if (budget !== undefined && !budget.withdraw()) {
      this.#stats.overBudget++;
      return "no more";
    }
    return { backoffMs, askedMs };
  }
}

/** Tries again. Throws a RangeError or TypeError for options out of range. */
export function retry(options: RetryOptions = {}): RetryPolicy {
  return new RetryPolicy(options);
}

interface Progress<T> {
  call: Call;
  next: Next<T>;
  /** Attempts made. */
  attempt: number;
  /** The back-off before the last one. */
  lastMs: number;
}

interface Wait {
  backoffMs: number;
  askedMs: number;
}

// What this process refused by itself it would refuse again; misuse does not pass.
function mayPass(result: AttemptResult): boolean {
  if (result.status === "fulfilled") return false;
  const { reason } = result;
  return !isMisuse(reason) && !isLocalRefusal(reason) && !isPastDeadline(reason);
}

function isPastDeadline(reason: unknown): boolean {
  return reason instanceof Error && (reason as { code?: unknown }).code === "DEADLINE_EXCEEDED";
}

// `fetch` reports a refused connection as a TypeError, with what happened as its cause.
function isMisuse(reason: unknown): boolean {
  if (!(reason instanceof TypeError || reason instanceof RangeError)) return false;
  return reason.cause === undefined || isMisuse(reason.cause);
}

function askedToWait(result: AttemptResult): number | undefined {
  if (result.status === "fulfilled") return undefined;
  const { retryAfterMs } = (result.reason ?? {}) as { retryAfterMs?: unknown };
  return typeof retryAfterMs === "number" ? retryAfterMs : undefined;
}

// Waits on the call's clock, or rejects in the turn in which the call is aborted.
function pause(call: Call, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = call.clock.setTimer(call.clock.now() + ms, () => {
      listener.dispose();
      resolve();
    });
    const listener = call.onAbort((reason) => {
      timer[Symbol.dispose]();
      reject(reason);
    });
  });
}
