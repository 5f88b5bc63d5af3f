// A door for those who come from opossum: its class, its options, its events, on this package's
// state machine. Moving is changing an import; MIGRATING.md names every difference.
//
//     import CircuitBreaker from "@compendium/circuit-breaker/opossum";
//
// The contract is what opossum 10 documents. What it does against its documentation, or to the harm
// of whoever waits, is not copied: a result counts only in the state in which its call began, a
// refusal of one's own says nothing about the dependency, a rate is of calls that have ended.
//
// Left out: `semaphore`, which opossum exposes and does not document. An edge: it reads the
// process's clock and sets its timers, one for each call that has a timeout, and one for each rest
// that somebody wants to hear the end of. A breaker that nobody calls has none.
import { systemClock } from "@compendium/runtime";
import { start } from "./endings.ts";
import * as cache from "./opossum-cache.ts";
import { OpossumCircuit, TIMER_MS_MAX } from "./opossum-circuit.ts";
import { surface } from "./opossum-emitter.ts";
import type { CoalesceResetOn, OpossumOptions } from "./opossum-options.ts";
import * as stats from "./opossum-stats.ts";
import type { CallPermit, Outcome } from "./permit.ts";

export type { CacheTransport } from "./opossum-cache.ts";
export type { OpossumEvents } from "./opossum-events.ts";
export type { CoalesceResetOn, OpossumOptions, OpossumState } from "./opossum-options.ts";
export {
  type Bucket,
  type Counter,
  type Stats,
  Status,
  type StatusOptions,
} from "./opossum-stats.ts";

/** The types, where opossum's own declarations have them: `CircuitBreaker.Options`. */
export declare namespace CircuitBreaker {
  type Options<TI extends unknown[] = unknown[]> = OpossumOptions<TI>;
  type Status = stats.Status;
  type StatusOptions = stats.StatusOptions;
  type Stats = stats.Stats;
  type Bucket = stats.Bucket;
  type Window = stats.Bucket[];
  type CacheTransport = cache.CacheTransport;
}

/** opossum's circuit breaker. A call costs O(1), and O(buckets) after a pause. */
export class CircuitBreaker<TI extends unknown[] = unknown[], TR = unknown> extends OpossumCircuit<
  TI,
  TR
> {
  /** What is called. */
  readonly action: (...args: TI) => TR | PromiseLike<TR>;

  readonly #cache: cache.ResultCache | undefined;
  readonly #coalesced: cache.PromiseCache | undefined;
  #fallback: ((...args: unknown[]) => unknown) | undefined = undefined;
  #healthTimers: NodeJS.Timeout[] = [];
  #controller: AbortController | undefined;

  /** Whether the breaker made this error, rather than the action. */
  static isOurError(error: unknown): boolean {
    return typeof error === "object" && error !== null && OURS in error;
  }

  /** Counts to begin with, for the option `status`. Throws where they are no counts. */
  static newStatus(options: stats.StatusOptions): stats.Status {
    return new stats.Status(options);
  }

  /**
   * A breaker around `action`; what is no function is what every call answers. Throws a TypeError
   * without an action, and a RangeError or TypeError for options that cannot be meant.
   */
  constructor(
    action: ((...args: TI) => TR | PromiseLike<TR>) | (TR & (string | number | object)),
    options: OpossumOptions<TI> = {},
  ) {
    if (!action) {
      throw new TypeError(
        "No action provided. Cannot construct a CircuitBreaker without an invocable action.",
      );
    }
    super((action as { name?: string }).name, options);
    this.action = typeof action === "function" ? (action as typeof this.action) : () => action;
    const { cacheTTL, cacheSize, cacheTransport, coalesceTTL, coalesceSize } = this.options;
    const ownCache = () => new cache.PromiseCache(cacheTTL, cacheSize);
    this.#cache = !options.cache
      ? undefined
      : cacheTransport
        ? cache.cacheOver(cacheTransport, cacheTTL)
        : ownCache();
    this.#coalesced = options.coalesce
      ? new cache.PromiseCache(coalesceTTL, coalesceSize)
      : undefined;
    this.#controller = options.abortController;
  }

  /** Runs the action with `args`; see {@link call}. */
  fire(...args: TI): Promise<TR> {
    return this.call(this.action, ...args);
  }

  /**
   * Runs the action with `context` as its `this`. Settles as the action does, or rejects with an
   * error for which {@link isOurError} is true: `EOPENBREAKER`, `ETIMEDOUT`, `ESEMLOCKED` or
   * `ESHUTDOWN`. With a fallback, settles as that does instead. Never throws.
   */
  call(context: unknown, ...args: TI): Promise<TR> {
    if (this.isShutdown) return Promise.reject(ours("The circuit has been shutdown.", "ESHUTDOWN"));
    this.count("fires");
    this.tell("fire", args);
    try {
      return this.enabled ? this.#lookUp(context, args) : this.#start(context, args);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * What answers instead when a call is refused or fails: it gets the arguments, then the error.
   */
  fallback(func: Fallback | { fire: Fallback }): this {
    this.#fallback = typeof func === "function" ? func : (...args) => func.fire(...args);
    return this;
  }

  /** Forgets cached answers and coalesced calls. */
  clearCache(): void {
    this.#cache?.flush();
    this.#coalesced?.flush();
  }

  override shutdown(): void {
    super.shutdown();
    for (const timer of this.#healthTimers) clearInterval(timer);
    this.#healthTimers = [];
    this.clearCache();
  }

  /**
   * Calls `func` now and every `interval` ms (default 5,000) until the breaker is shut down; a
   * rejection, or a throw, opens the circuit. Throws a TypeError for what is no function or number.
   */
  healthCheck(func: (this: this) => unknown, interval?: stats.Milliseconds): void {
    const everyMs = Number(interval || 5_000);
    if (typeof func !== "function") throw new TypeError("Health check function must be a function");
    if (Number.isNaN(everyMs)) throw new TypeError("Health check interval must be a number");
    if (this.isShutdown) return;
    const check = () => {
      start(() => func.call(this)).catch((error) => {
        this.tell("healthCheckFailed", error);
        this.open();
      });
    };
    const timer = setInterval(check, Math.min(everyMs, TIMER_MS_MAX));
    timer.unref();
    this.#healthTimers.push(timer);
    check();
  }

  /** The signal that is aborted when the next call times out, if there is a controller. */
  getSignal(): AbortSignal | undefined {
    return this.getAbortController()?.signal;
  }

  /** The controller that is aborted when the next call times out, if there is to be one. */
  getAbortController(): AbortController | undefined {
    const { autoRenewAbortController } = this.options;
    if (autoRenewAbortController && (this.#controller?.signal.aborted ?? true)) {
      this.#controller = new AbortController();
    }
    return this.#controller;
  }

  #start(context: unknown, args: TI): Promise<TR> {
    return start(() => this.action.apply(context, args)) as Promise<TR>;
  }

  // The cache is asked before the state: opossum answers from it while the circuit is open.
  #lookUp(context: unknown, args: TI): Promise<TR> {
    const { cacheGetKey } = this.options;
    if (this.#cache === undefined && this.#coalesced === undefined) {
      return this.#admit(context, args, "", () => {});
    }
    const key = cacheGetKey ? cacheGetKey.apply(this, args) : JSON.stringify(args);
    if (this.#cache !== undefined) {
      const cached = this.#cache.get(key);
      this.count(cached ? "cacheHits" : "cacheMisses");
      this.tell(cached ? "cacheHit" : "cacheMiss");
      if (cached) return Promise.resolve(cached as TR);
    }
    if (this.#coalesced === undefined) return this.#admit(context, args, key, () => {});
    const shared = this.#coalesced.get(key);
    this.count(shared ? "coalesceCacheHits" : "coalesceCacheMisses");
    this.tell(shared ? "coalesceCacheHit" : "coalesceCacheMiss");
    return (shared as Promise<TR> | undefined) ?? this.#share(this.#coalesced, context, args, key);
  }

  #share(calls: cache.PromiseCache, context: unknown, args: TI, key: string): Promise<TR> {
    let call: Promise<TR> | undefined;
    let over = false;
    call = this.#admit(context, args, key, (how) => {
      if (how !== "refused" && !this.options.coalesceResetOn.includes(how)) return;
      over = true;
      if (call !== undefined) calls.delete(key, call);
    });
    if (!over) calls.set(key, call);
    return call;
  }

  #admit(context: unknown, args: TI, key: string, ended: Ended): Promise<TR> {
    const permit = this.machine.acquire();
    if (permit.admitted) return this.#run(permit, context, args, key, ended);
    ended("refused");
    if (permit.code === "CIRCUIT_IN_FLIGHT_MAX") {
      const error = ours("Semaphore locked", "ESEMLOCKED");
      this.count("semaphoreRejections");
      this.tell("semaphoreLocked", error, 0);
      return this.#fail(error, args);
    }
    const error = ours("Breaker is open", "EOPENBREAKER");
    this.count("rejects");
    this.tell("reject", error);
    return this.#answerInstead(error, args) ?? Promise.reject(error);
  }

  #run(permit: CallPermit, context: unknown, args: TI, key: string, ended: Ended): Promise<TR> {
    const { promise, resolve } = Promise.withResolvers<TR>();
    const { timeout } = this.options;
    const startedAtMs = systemClock.now();
    const latencyMs = () => Math.round(systemClock.now() - startedAtMs);
    const settle = (outcome: Outcome) => this.machine.settle(permit, outcome);
    let timer: NodeJS.Timeout | undefined;
    let timedOut = false;
    let controller: AbortController | undefined;
    const giveUp = () => {
      timedOut = true;
      const error = ours(`Timed out after ${timeout}ms`, "ETIMEDOUT");
      const ranMs = latencyMs();
      this.count("timeouts");
      this.tell("timeout", error, ranMs, args);
      // Its place is given back when the work has ended; this only says how it counts.
      const judge = (outcome: Outcome) => this.machine.judge(permit, outcome);
      resolve(this.#fail(error, args, { ranMs, judge }));
      ended("timeout");
      controller?.abort();
    };
    if (timeout && timeout <= TIMER_MS_MAX) timer = setTimeout(giveUp, timeout);
    const work = this.#start(context, args);
    controller = this.#takeController();
    work.then(
      (result) => {
        clearTimeout(timer);
        if (timedOut) return settle("success");
        const ranMs = latencyMs();
        this.count("successes", ranMs);
        settle("success");
        this.tell("success", result, ranMs);
        ended("success");
        resolve(result);
        this.#keep(key, work);
      },
      (error) => {
        clearTimeout(timer);
        if (timedOut) return settle("failure");
        resolve(this.#fail(error, args, { ranMs: latencyMs(), judge: settle }));
        ended("error");
      },
    );
    return promise;
  }

  // A call has failed; without `ran`, before it started.
  #fail(error: Error, args: TI, ran?: Ran): Promise<TR> {
    if (this.#letsPass(error, args)) {
      this.count("successes", ran?.ranMs);
      ran?.judge("success");
      this.tell("success", error as TR, ran?.ranMs ?? 0);
      return Promise.reject(error);
    }
    this.count("failures", ran?.ranMs);
    this.tell("failure", error, ran?.ranMs ?? 0, args);
    ran?.judge("failure");
    return this.#answerInstead(error, args) ?? Promise.reject(error);
  }

  // A filter that throws lets nothing pass.
  #letsPass(error: Error, args: TI): boolean {
    try {
      return Boolean(this.options.errorFilter?.(error, ...args));
    } catch (thrown) {
      surface(thrown);
      return false;
    }
  }

  #answerInstead(error: Error, args: TI): Promise<TR> | undefined {
    if (this.#fallback === undefined) return undefined;
    try {
      const result = this.#fallback(...args, error);
      this.count("fallbacks");
      this.tell("fallback", result, error);
      return Promise.resolve(result as TR);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  // A cache that cannot keep an answer must not take it from the caller.
  #keep(key: string, work: Promise<TR>): void {
    try {
      this.#cache?.set(key, work);
    } catch (error) {
      surface(error);
    }
  }

  // The controller that this call's timeout aborts. One that the breaker made is this call's alone:
  // the next call gets another, so that a timeout does not abort its neighbours.
  #takeController(): AbortController | undefined {
    const controller = this.#controller;
    if (this.options.abortController === undefined) this.#controller = undefined;
    return controller;
  }
}

export { CircuitBreaker as default, CircuitBreaker as "module.exports" };

// biome-ignore lint/suspicious/noExplicitAny: opossum's users name the types of what they get.
type Fallback = (...args: any[]) => unknown;

type Ended = (how: CoalesceResetOn | "refused") => void;

/** How long a call ran, and whom to tell how it counts. */
interface Ran {
  ranMs: stats.Milliseconds;
  judge(outcome: Outcome): void;
}

const OURS = Symbol("compendium.opossum.our-error");

function ours(message: string, code: string): Error & { code: string } {
  return Object.defineProperty(Object.assign(new Error(message), { code }), OURS, { value: true });
}
