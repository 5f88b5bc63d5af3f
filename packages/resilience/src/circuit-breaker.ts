// A circuit breaker as a policy. The breaker itself is a package of its own, and may be shared
// between pipelines; here its permits are handed out and settled.
import type { CircuitBreaker } from "@compendium/circuit-breaker";
import type { Call } from "./call.ts";
import type { Next, Policy } from "./policy.ts";

/** Asks a breaker before each attempt. */
export class BreakerPolicy implements Policy {
  readonly kind = "circuit-breaker";
  /** The breaker that is asked. */
  readonly breaker: CircuitBreaker;

  constructor(breaker: CircuitBreaker) {
    this.breaker = breaker;
  }

  run<T>(call: Call, next: Next<T>): Promise<T> {
    return this.breaker.call(() => next(call)) as Promise<T>;
  }
}

/** Puts a breaker into a pipeline. */
export function circuitBreaker(breaker: CircuitBreaker): BreakerPolicy {
  return new BreakerPolicy(breaker);
}
