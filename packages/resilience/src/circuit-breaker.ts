// A circuit breaker as a policy. The breaker itself is a package of its own, and may be shared
// between pipelines; here calls are handed to it, and how they end.
//
// What is an ending? A caller who gives up, or a hedge that lost, says nothing about the dependency:
// the breaker counts the call as cancelled, in the turn of the abort, so that a probe gives its
// place to another. But when the time for an answer is up (a timeout further out, or the call's
// deadline), that is the very sign of a dependency that hangs: it counts as a failure, also at once.
// Else a breaker inside a timeout would see nothing but cancelled calls, and never trip.
import type { CircuitBreaker } from "@compendium/circuit-breaker";
import type { AbortListener, Call } from "./call.ts";
import type { Next, Policy } from "./policy.ts";

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
    if (!call.abortable) return this.breaker.call(() => next(call)) as Promise<T>;
    const signal = new CancelView(call) as unknown as AbortSignal;
    return this.breaker.call(() => failInTime(call, next), { signal }) as Promise<T>;
  }

  /** The breaker's numbers; reading them changes nothing. */
  stats(): ReturnType<CircuitBreaker["stats"]> {
    return this.breaker.stats();
  }
}

/**
 * Puts a breaker into a pipeline. An abort counts as cancelled; one for lack of time (`TIMEOUT`,
 * `DEADLINE_EXCEEDED`) counts as a failure, unless the breaker's `isFailure` says otherwise. Throws
 * a TypeError for what is no breaker.
 */
export function circuitBreaker(breaker: CircuitBreaker): BreakerPolicy {
  return new BreakerPolicy(breaker);
}

// What a breaker needs of an AbortSignal; making a real one would cost more than all the rest.
// The breaker listens once, and takes its listener back when the call has settled.
class CancelView {
  readonly #call: Call;
  #listener: AbortListener | undefined;

  constructor(call: Call) {
    this.#call = call;
  }

  get aborted(): boolean {
    return this.#call.aborted && !isOutOfTime(this.#call.reason);
  }

  get reason(): unknown {
    return this.#call.reason;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listener = this.#call.onAbort((reason) => {
      if (!isOutOfTime(reason)) listener();
    });
  }

  removeEventListener(): void {
    this.#listener?.dispose();
  }
}

// Settles as `next` does, or with the reason in the turn in which the call runs out of time.
function failInTime<T>(call: Call, next: Next<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const listener = call.onAbort((reason) => {
      if (isOutOfTime(reason)) reject(reason);
    });
    next(call).then(
      (value) => {
        listener.dispose();
        resolve(value);
      },
      (error) => {
        listener.dispose();
        reject(error);
      },
    );
  });
}

function isOutOfTime(reason: unknown): boolean {
  const code = (reason as { code?: unknown } | null | undefined)?.code;
  return code === "TIMEOUT" || code === "DEADLINE_EXCEEDED";
}
