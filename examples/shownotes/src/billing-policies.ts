// What stands on the hop from the edge to billing: the policies that edge-billing.ts composes.
//
// The breaker is a stock opossum 10, for those who have one and stay with it: a policy is any
// object that runs a call, and `instrument` gives it the metrics of our own.
//
// How much is retried can be chosen, for experiment X2: `naive` repeats a failed attempt after
// waits that double; `jitter` draws them at random; `budget` pays for every repetition out of
// successes besides, and is the usual one.
import {
  type AttemptResult,
  bulkhead,
  type Call,
  type Next,
  type Policy,
  RetryBudget,
  retry,
  timeout,
} from "@compendium/resilience";
import { type Random, systemRandom } from "@compendium/runtime";
import Opossum from "opossum";
import type { Retries, X2Scenario } from "./x2-scenario.ts";

/** The hop's policies, outside of the breaker and inside of it. */
export function billingPolicies(
  { edge }: X2Scenario,
  retries: Retries,
  random: Pick<Random, "below"> = systemRandom,
): { budget: RetryBudget | undefined; outer: Policy[]; inner: Policy[] } {
  const { attemptsMax, attemptTimeoutMs, backoff, inFlightMax } = edge;
  const jitter = retries === "naive" ? "none" : "full";
  const budget = retries === "budget" ? new RetryBudget(edge.budget) : undefined;
  const again = retry({
    attemptsMax,
    backoff: { ...backoff, jitter },
    retryIf: mayPass,
    random,
    ...(budget && { budget }),
  });
  return {
    budget,
    outer: [bulkhead({ concurrencyMax: inFlightMax }), again],
    inner: [timeout({ timeoutMs: attemptTimeoutMs })],
  };
}

/**
 * A stock opossum as a policy. It calls one function, and hands it what it was fired with: here the
 * rest of the pipeline. Its own timeout stays off: the one further in ends the attempt, which
 * opossum's does not.
 */
export class StockBreaker implements Policy {
  readonly kind = "circuit-breaker";
  /** opossum itself. */
  readonly stock: Opossum;

  constructor({ breaker }: X2Scenario, enabled: boolean) {
    const action = (call: Call, next: Next<unknown>) => next(call);
    this.stock = new Opossum(action, {
      name: "billing",
      enabled,
      timeout: false,
      errorThresholdPercentage: 100 * breaker.failureRateThreshold,
      volumeThreshold: breaker.minimumCalls,
      rollingCountTimeout: breaker.windowMs,
      resetTimeout: breaker.openForMs,
      enableSnapshots: false,
      // A refused charge says nothing against billing.
      errorFilter: (error) => error instanceof BillingError && isClientError(error.status),
    });
  }

  /** Whether calls are protected. */
  enable(on: boolean): void {
    if (on) this.stock.enable();
    else this.stock.disable();
  }

  /** Runs one call through it. */
  run<T>(call: Call, next: Next<T>): Promise<T> {
    return this.stock.fire(call, next) as Promise<T>;
  }
}

/** Billing said no, or something went wrong; `status` 0: there was no answer. */
export class BillingError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

// An open breaker and a refused charge will say the same again.
function mayPass(result: AttemptResult): boolean {
  if (result.status === "fulfilled") return false;
  const { reason } = result;
  if (reason instanceof BillingError) return !isClientError(reason.status);
  return (reason as { code?: unknown }).code === "TIMEOUT";
}

/** Whether the fault is the caller's, and not billing's. */
export function isClientError(status: number): boolean {
  return status >= 400 && status < 500;
}
