// A circuit breaker as a policy. The breaker itself is a package of its own, and may be shared
// between pipelines; here calls are handed to it, and how they end.
//
// What does an ending say about the dependency?
//  - A caller who gives up, or a hedge that lost: nothing. The breaker counts the call as
//  cancelled,
//    in the turn of the abort, so that a probe gives its place to another.
//  - A refusal further in, by a full bulkhead or a rate limit: nothing either, for the dependency
//    was never asked. Local rejections must not open the circuit of one that is well.
//  - The time for an answer was up, by a timeout further out or the call's deadline: that is the
//    very sign of a dependency that hangs. It is a failure, at once; else a breaker inside a
//    timeout would see nothing but cancelled calls, and never trip.
import type { CircuitBreaker } from "@compendium/circuit-breaker";
import type { Call } from "./call.ts";
import { isLocalRefusal, isOutOfTime } from "./errors.ts";
import type { Next, Policy } from "./policy.ts";
import { keepShape } from "./shapes.ts";

/** Asks a breaker before each attempt; see {@link circuitBreaker}. */
export class BreakerPolicy implements Policy {
  readonly kind = "circuit-breaker";
  /** The breaker that is asked. */
  readonly breaker: CircuitBreaker;

  constructor(breaker: CircuitBreaker) {
    if (typeof breaker?.call !== "function") {
      throw new TypeError(`breaker must be a CircuitBreaker, got ${String(breaker)}`);
    }
    this.breaker = breaker;
  }

  run<T>(call: Call, next: Next<T>): Promise<T> {
    const attempt = new Attempt(call, next);
    const signal = attempt as unknown as AbortSignal;
    return this.breaker.call(() => attempt.start(), { signal }) as Promise<T>;
  }

  /** The breaker's numbers; reading them changes nothing. */
  stats(): ReturnType<CircuitBreaker["stats"]> {
    return this.breaker.stats();
  }
}

/**
 * Puts a breaker into a pipeline. An abort, and a refusal by a policy further in, count as
 * cancelled; running out of time (`TIMEOUT`, `DEADLINE_EXCEEDED`) counts as a failure, unless the
 * breaker's `isFailure` says otherwise. Throws a TypeError for what is no breaker.
 */
export function circuitBreaker(breaker: CircuitBreaker): BreakerPolicy {
  return new BreakerPolicy(breaker);
}

// A call through a breaker, and what the breaker needs of an AbortSignal to count it as cancelled;
// making a real signal would cost more than all the rest.
class Attempt<T> {
  readonly #call: Call;
  readonly #next: Next<T>;
  #cancelled: (() => void) | undefined;
  aborted = false;
  reason: unknown;

  constructor(call: Call, next: Next<T>) {
    this.#call = call;
    this.#next = next;
  }

  // Settles as `next` does, or in the turn in which the call runs out of time.
  start(): Promise<T> {
    const call = this.#call;
    if (!call.abortable) {
      return this.#next(call).then(undefined, (error) => {
        this.#failed(error);
        throw error;
      });
    }
    return new Promise<T>((resolve, reject) => {
      const listener = call.onAbort((reason) => {
        if (isOutOfTime(reason)) reject(reason);
        else this.#cancel(reason);
      });
      this.#next(call).then(
        (value) => {
          listener.dispose();
          resolve(value);
        },
        (error) => {
          listener.dispose();
          this.#failed(error);
          reject(error);
        },
      );
    });
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#cancelled = listener;
  }

  removeEventListener(): void {
    this.#cancelled = undefined;
  }

  #failed(error: unknown): void {
    if (!this.aborted && isLocalRefusal(error)) this.#cancel(error);
  }

  #cancel(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.#cancelled?.();
  }
}

keepShape(new Attempt(undefined as never, undefined as never));
