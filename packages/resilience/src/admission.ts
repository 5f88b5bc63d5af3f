// A rate limit as a policy. The limiter may be any: in this process or in Redis, a bucket or a
// window. It only has to answer "may he?" in the shape below, and needs to know nothing about
// calls; nor does this package know about limiters.
//
// A limiter far away can be slow or absent. Then the call is let through and counted, as Envoy does
// by default: a limit protects the service, and should not be what takes it down.
import type { AbortListener, Call } from "./call.ts";
import { ResilienceError } from "./errors.ts";
import type { Next, Policy } from "./policy.ts";

/** Yes, or when to ask again. */
export type AdmissionDecision =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly retryAfterMs: number };

/** Yes, in so many ms and without asking again; or when to ask again. */
export type Reservation =
  | { readonly allowed: true; readonly waitMs: number; cancel?(): void }
  | { readonly allowed: false; readonly retryAfterMs: number };

/** What a rate limiter must offer to be a policy. */
export interface Admission {
  /** Takes `cost` from the limit of `key`, or nothing at all. */
  take(key: string | undefined, cost: number): AdmissionDecision | PromiseLike<AdmissionDecision>;
  /**
   * Takes `cost` now, for a call that waits its turn; nothing at all if that were above
   * `waitMsMax`.
   */
  reserve?(
    key: string | undefined,
    cost: number,
    waitMsMax: number,
  ): Reservation | PromiseLike<Reservation>;
}

/** Options of {@link admission}. */
export interface AdmissionOptions {
  /** Whose limit it is. Default: the call's `key`. */
  key?: (call: Call) => string | undefined;
  /** How much of it a call takes. Default 1. */
  cost?: number | ((call: Call) => number);
  /**
   * How long a call may wait for its turn, in ms, where the limiter can reserve and the deadline
   * allows. From 0; default 0.
   */
  waitMsMax?: number;
  /** How many may wait at once; the others are refused. A whole number from 0; default 1,000. */
  waitingMax?: number;
  /**
   * What to do when the limiter fails: let calls through (the default), or reject with its error.
   */
  onLimiterError?: "admit" | "reject";
}

/** What an admission has counted. */
export interface AdmissionStats {
  /** Calls let through. */
  admitted: number;
  /** Calls refused. */
  refused: number;
  /** Calls let through after a wait. */
  delayed: number;
  /** Calls that wait for their turn. */
  waiting: number;
  /** Calls that the limiter did not answer. */
  limiterErrors: number;
}

/** Lets through what a limiter allows; refuses with `RATE_LIMITED` and its `retryAfterMs`. */
export class AdmissionPolicy implements Policy {
  readonly kind = "admission";
  readonly #limiter: Admission;
  readonly #options: AdmissionOptions;
  readonly #waitMsMax: number;
  readonly #waitingMax: number;
  readonly #counts: AdmissionStats = {
    admitted: 0,
    refused: 0,
    delayed: 0,
    waiting: 0,
    limiterErrors: 0,
  };

  constructor(limiter: Admission, options: AdmissionOptions = {}) {
    const { waitMsMax = 0, waitingMax = 1_000, cost = 1, onLimiterError = "admit" } = options;
    if (typeof limiter?.take !== "function") {
      throw new TypeError(`limiter must have a method "take", got ${String(limiter)}`);
    }
    if (!(waitMsMax >= 0 && waitMsMax < Infinity)) {
      throw new RangeError(`waitMsMax must be a number from 0, got ${waitMsMax}`);
    }
    if (waitMsMax > 0 && typeof limiter.reserve !== "function") {
      throw new TypeError(`waitMsMax of ${waitMsMax} needs a limiter with a method "reserve"`);
    }
    if (!(Number.isInteger(waitingMax) && waitingMax >= 0)) {
      throw new RangeError(`waitingMax must be a whole number from 0, got ${waitingMax}`);
    }
    if (typeof cost !== "function" && !(cost > 0 && cost < Infinity)) {
      throw new RangeError(`cost must be a number above 0 or a function, got ${cost}`);
    }
    if (onLimiterError !== "admit" && onLimiterError !== "reject") {
      throw new TypeError(`onLimiterError must be "admit" or "reject", got ${onLimiterError}`);
    }
    this.#limiter = limiter;
    this.#options = options;
    this.#waitMsMax = waitMsMax;
    this.#waitingMax = waitingMax;
  }

  run<T>(call: Call, next: Next<T>): Promise<T> {
    const { key: keyOf, cost = 1 } = this.#options;
    const key = keyOf === undefined ? call.key : keyOf(call);
    const price = typeof cost === "function" ? cost(call) : cost;
    let decision: Answer | PromiseLike<Answer>;
    try {
      decision = this.#ask(call, key, price);
    } catch (error) {
      return this.#withoutAnswer(call, next, error);
    }
    if (isPromiseLike(decision)) return this.#await(call, next, decision);
    return this.#heed(call, next, decision);
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): AdmissionStats {
    return { ...this.#counts };
  }

  #ask(call: Call, key: string | undefined, cost: number): Answer | PromiseLike<Answer> {
    const waitMsMax = Math.min(this.#waitMsMax, call.remainingMs());
    const mayWait = waitMsMax > 0 && this.#counts.waiting < this.#waitingMax;
    if (!mayWait || this.#limiter.reserve === undefined) return this.#limiter.take(key, cost);
    return this.#limiter.reserve(key, cost, waitMsMax);
  }

  // The limiter may take its time; the caller need not.
  #await<T>(call: Call, next: Next<T>, decision: PromiseLike<Answer>): Promise<T> {
    return new Promise((resolve, reject) => {
      const listener = call.onAbort(reject);
      decision.then(
        (answer) => {
          listener.dispose();
          if (call.aborted) giveBack(answer);
          else resolve(this.#heed(call, next, answer));
        },
        (error) => {
          listener.dispose();
          if (!call.aborted) resolve(this.#withoutAnswer(call, next, error));
        },
      );
    });
  }

  #heed<T>(call: Call, next: Next<T>, answer: Answer): Promise<T> {
    if (!answer.allowed) return this.#refuse(answer.retryAfterMs);
    if ("waitMs" in answer && answer.waitMs > 0) return this.#wait(call, next, answer);
    this.#counts.admitted++;
    return next(call);
  }

  #refuse(retryAfterMs: number): Promise<never> {
    this.#counts.refused++;
    const message = `over the limit; try again in ${retryAfterMs} ms`;
    return Promise.reject(new ResilienceError("RATE_LIMITED", message, retryAfterMs));
  }

  #wait<T>(call: Call, next: Next<T>, answer: Answer & { waitMs: number }): Promise<T> {
    // While a distant limiter thought about it, others began to wait, and time has passed.
    if (this.#counts.waiting >= this.#waitingMax || answer.waitMs >= call.remainingMs()) {
      giveBack(answer);
      return this.#refuse(answer.waitMs);
    }
    return new Promise((resolve, reject) => {
      this.#counts.waiting++;
      let listener: AbortListener | undefined;
      const timer = call.clock.setTimer(call.clock.now() + answer.waitMs, () => {
        listener?.dispose();
        this.#counts.waiting--;
        this.#counts.delayed++;
        this.#counts.admitted++;
        resolve(next(call));
      });
      listener = call.onAbort((reason) => {
        timer[Symbol.dispose]();
        this.#counts.waiting--;
        giveBack(answer);
        reject(reason);
      });
    });
  }

  #withoutAnswer<T>(call: Call, next: Next<T>, error: unknown): Promise<T> {
    this.#counts.limiterErrors++;
    if (this.#options.onLimiterError === "reject") return Promise.reject(error);
    this.#counts.admitted++;
    return next(call);
  }
}

/**
 * Puts a rate limiter into a pipeline. Throws for options out of range, and for what is no limiter.
 */
export function admission(limiter: Admission, options: AdmissionOptions = {}): AdmissionPolicy {
  return new AdmissionPolicy(limiter, options);
}

type Answer = AdmissionDecision | Reservation;

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T>).then === "function";
}

// A turn that nobody takes any more may be somebody else's.
function giveBack(answer: Answer): void {
  if (answer.allowed && "cancel" in answer) answer.cancel?.();
}
