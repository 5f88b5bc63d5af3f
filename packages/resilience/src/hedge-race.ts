// The attempts of one hedged call, from the first to the one that decides. The call is over with
// the first success, with a fatal failure, when the last attempt that is out has failed, or when
// its caller has gone; whatever is still out then has lost, and is told so.
import type { AbortListener, Call } from "./call.ts";
import { type WheelTimer, wheelOf } from "./deadline-wheel.ts";
import { ResilienceError } from "./errors.ts";
import type { HedgeBudget, HedgeOptions, HedgeStats } from "./hedge.ts";
import type { LatencyQuantile } from "./latency-quantile.ts";
import type { Next } from "./policy.ts";
import type { AttemptResult } from "./retry.ts";

/** What all calls through one policy have in common. */
export interface Shared {
  readonly options: HedgeOptions;
  readonly attemptsMax: number;
  readonly budget: HedgeBudget;
  readonly latencies: LatencyQuantile;
  // The other side asked that no attempt be added before this.
  notBeforeMs: number;
  readonly counts: HedgeStats;
}

/** The attempts of one call. Invariant: it is over, or at least one attempt is out. */
export class Race<T> {
  readonly #shared: Shared;
  readonly #call: Call;
  readonly #next: Next<T>;
  readonly #delayMs: number | undefined;
  readonly #resolve: (value: T) => void;
  readonly #reject: (reason: unknown) => void;

  readonly #out: Call[] = [];
  #first: Call | undefined;
  #startedAtMs = 0;
  #started = 0;
  #over = false;
  #timer: WheelTimer | undefined;
  #listener: AbortListener | undefined;

  constructor(
    shared: Shared,
    call: Call,
    next: Next<T>,
    delayMs: number | undefined,
    resolve: (value: T) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#shared = shared;
    this.#call = call;
    this.#next = next;
    this.#delayMs = delayMs;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Makes the first attempt. */
  start(now: number): void {
    this.#startedAtMs = now;
    if (this.#delayMs !== undefined) this.#wait(now + this.#delayMs);
    if (this.#call.abortable) {
      this.#listener = this.#call.onAbort((reason) => {
        this.#end();
        this.#reject(reason);
      });
    }
    this.#first = this.#attempt();
  }

  #attempt(): Call {
    const attempt = this.#call.fork();
    this.#started++;
    this.#out.push(attempt);
    this.#next(attempt).then(
      (value) => {
        if (!this.#leave(attempt)) return;
        if (this.#shared.options.isFailure === undefined) this.#win(attempt, value);
        else this.#judge(attempt, { status: "fulfilled", value });
      },
      (reason) => {
        if (this.#leave(attempt)) this.#judge(attempt, { status: "rejected", reason });
      },
    );
    return attempt;
  }

  // False: the race was over, and this is an attempt that lost.
  #leave(attempt: Call): boolean {
    attempt.release();
    if (this.#over) return false;
    // A splice allocates, and nearly always there is but this one.
    if (this.#out.at(-1) === attempt) this.#out.pop();
    else this.#out.splice(this.#out.indexOf(attempt), 1);
    return true;
  }

  #judge(attempt: Call, result: PromiseSettledResult<T>): void {
    const { isFailure, isFatal } = this.#shared.options;
    try {
      const failed = isFailure?.(result) ?? result.status === "rejected";
      if (!failed && result.status === "fulfilled") return this.#win(attempt, result.value);
      if (failed && !isFatal?.(result)) {
        this.#heed(result);
        if (this.#out.length > 0) return;
      }
    } catch (error) {
      // A predicate that throws ends the call; else its caller would wait for ever.
      this.#end();
      return this.#reject(error);
    }
    this.#end();
    if (result.status === "fulfilled") this.#resolve(result.value);
    else this.#reject(result.reason);
  }

  #win(attempt: Call, value: T): void {
    const { counts, budget, latencies, options } = this.#shared;
    budget.succeeded();
    if (attempt !== this.#first) counts.wonByHedge++;
    else if (options.delayMs === undefined) {
      const now = this.#call.clock.now();
      latencies.record(now - this.#startedAtMs, now);
      this.#first = undefined;
    }
    this.#end();
    this.#resolve(value);
  }

  #heed(result: AttemptResult): void {
    const { retryAfterMs = askedToWait } = this.#shared.options;
    const askedMs = retryAfterMs(result);
    if (askedMs === undefined) return;
    if (askedMs < 0) this.#timer?.cancel();
    const untilMs = this.#call.clock.now() + askedMs;
    if (untilMs > this.#shared.notBeforeMs) this.#shared.notBeforeMs = untilMs;
  }

  #wait(untilMs: number): void {
    // An attempt that begins after the deadline is work for nobody.
    if (untilMs >= this.#call.deadlineMs || this.#started >= this.#shared.attemptsMax) return;
    this.#timer = wheelOf(this.#call.clock).add(untilMs, () => this.#due());
  }

  #due(): void {
    const { budget, counts, notBeforeMs } = this.#shared;
    const now = this.#call.clock.now();
    if (now < notBeforeMs) return this.#wait(notBeforeMs);
    if (now >= this.#call.deadlineMs) return;
    // Nothing left: this call gets no more attempts, and waits for those it has.
    if (!budget.withdraw()) {
      counts.overBudget++;
      return;
    }
    counts.hedges++;
    this.#attempt();
    this.#wait(now + (this.#delayMs as number));
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.cancel();
    this.#listener?.dispose();
    this.#recordUnfinished();
    if (this.#out.length === 0) return;
    const lost = new ResilienceError("HEDGE_LOST", "another attempt was faster");
    for (const attempt of this.#out) attempt.abort(lost);
  }

  // A first attempt that lost, failed or was given up says one thing: whether it took longer than
  // the delay. Quick failures must not make the service look quick.
  #recordUnfinished(): void {
    if (this.#first === undefined || this.#shared.options.delayMs !== undefined) return;
    const now = this.#call.clock.now();
    const ageMs = now - this.#startedAtMs;
    if (ageMs > (this.#delayMs ?? Infinity)) this.#shared.latencies.record(ageMs, now);
  }
}

function askedToWait(result: AttemptResult): number | undefined {
  if (result.status === "fulfilled") return undefined;
  const { retryAfterMs } = (result.reason ?? {}) as { retryAfterMs?: unknown };
  return typeof retryAfterMs === "number" ? retryAfterMs : undefined;
}
