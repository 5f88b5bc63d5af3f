// Tries again, where trying again can help: after failures that pass, for calls that may be made
// twice, within a budget, before the deadline, and never while somebody has said "not before".
import { type Random, systemRandom } from "@compendium/runtime";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import type { Call } from "./call.ts";
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
  /** Whether this outcome may be better next time. Default: failures that are not refusals of a breaker, a bulkhead, a limit, or misuse. */
  retryIf?: (result: AttemptResult) => boolean;
  /** How long the other side asked to be left alone, in ms; negative: for good (gRPC pushback). Default: the error's `retryAfterMs`. */
  retryAfterMs?: (result: AttemptResult) => number | undefined;
  /** Limits retries to a share of the traffic. Strongly advised wherever many clients share a server. */
  budget?: RetryBudget;
  /** Retries calls that did not say they are idempotent. Default false. */
  evenIfNotIdempotent?: boolean;
  /** Draws the jitter. Default: the process's own. */
  random?: Pick<Random, "below">;
}

/** What a retry has counted. */
export interface RetryStats {
  /** Calls that succeeded at once. */
  firstTime: number;
  /** Calls that succeeded after at least one retry. */
  afterRetry: number;
  /** Calls that failed. */
  failed: number;
  /** Retries made. */
  retries: number;
  /** Retries not made: no budget. */
  overBudget: number;
  /** Retries not made: the call is not idempotent. */
  notIdempotent: number;
  /** Retries not made: the deadline would have passed first. */
  tooLate: number;
}

/** Repeats failed attempts. */
export class RetryPolicy implements Policy {
  readonly kind = "retry";
  readonly #options: RetryOptions;
  readonly #attemptsMax: number;
  readonly #backoff: Backoff;
  readonly #stats: RetryStats = {
    firstTime: 0,
    afterRetry: 0,
    failed: 0,
    retries: 0,
    overBudget: 0,
    notIdempotent: 0,
    tooLate: 0,
  };

  constructor(options: RetryOptions = {}) {
    const { attemptsMax = 3, backoff = {}, random = systemRandom } = options;
    if (!(Number.isInteger(attemptsMax) && attemptsMax >= 1)) {
      throw new RangeError(`attemptsMax must be a whole number from 1, got ${attemptsMax}`);
    }
    this.#options = options;
    this.#attemptsMax = attemptsMax;
    this.#backoff = new Backoff(backoff, random);
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
    const { retryIf = mayPass } = this.#options;
    if (!retryIf(result)) return this.#end(result, at.attempt);
    const waitMs = this.#waitBefore(result, at);
    if (waitMs === undefined) return this.#end(result, at.attempt, "failed");
    this.#stats.retries++;
    return pause(at.call, waitMs).then(() => this.#again(at, waitMs));
  }

  #again<T>(at: Progress<T>, lastMs: number): Promise<T> {
    const progress = { ...at, attempt: at.attempt + 1, lastMs };
    return at.next(at.call).then(
      (value) => this.#judge({ status: "fulfilled", value }, progress),
      (reason) => this.#judge({ status: "rejected", reason }, progress),
    );
  }

  #end<T>(result: PromiseSettledResult<T>, attempt: number, count?: "failed"): T {
    if (result.status === "fulfilled" && count === undefined) {
      return this.#succeed(result.value, attempt);
    }
    this.#stats.failed++;
    if (result.status === "fulfilled") return result.value;
    throw result.reason;
  }

  // How long to wait before another attempt; undefined: there shall be none.
  #waitBefore<T>(result: AttemptResult, { call, attempt, lastMs }: Progress<T>) {
    const { budget, evenIfNotIdempotent = false, retryAfterMs = askedToWait } = this.#options;
    if (call.aborted || attempt >= this.#attemptsMax) return undefined;
    if (!call.idempotent && !evenIfNotIdempotent) {
      this.#stats.notIdempotent++;
      return undefined;
    }
    const askedMs = retryAfterMs(result) ?? 0;
    if (askedMs < 0) return undefined;
    const waitMs = Math.max(askedMs, this.#backoff.waitMs(attempt, lastMs));
    // An attempt that begins after the deadline is work for nobody.
    if (waitMs >= call.remainingMs()) {
      this.#stats.tooLate++;
      return undefined;
    }
    // Asked last, because asking is paying.
    if (budget !== undefined && !budget.withdraw()) {
      this.#stats.overBudget++;
      return undefined;
    }
    return waitMs;
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
  /** The wait before the last one. */
  lastMs: number;
}

// What this process refused by itself it would refuse again; misuse does not pass.
function mayPass(result: AttemptResult): boolean {
  if (result.status === "fulfilled") return false;
  const { reason } = result;
  if (reason instanceof TypeError || reason instanceof RangeError) return false;
  const code: unknown = (reason as { code?: unknown } | null | undefined)?.code;
  return typeof code !== "string" || !LOCAL_REFUSAL.test(code);
}

const LOCAL_REFUSAL = /^(CIRCUIT_.*|DEADLINE_EXCEEDED|BULKHEAD_FULL|SHED|THROTTLED|RATE_LIMITED)$/;

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
