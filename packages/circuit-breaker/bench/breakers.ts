// The contestants' breakers, as alike as their options allow: no timeouts, no retries, thresholds
// that the load does not reach.
import { CircuitBreaker, type CircuitBreakerOptions } from "@compendium/circuit-breaker";
import {
  ConsecutiveBreaker,
  CountBreaker,
  circuitBreaker,
  handleAll,
  type IBreaker,
  SamplingBreaker,
} from "cockatiel";
import OpossumBreaker from "opossum";

/** What stands behind a breaker. */
export type Work = () => Promise<unknown>;

/** A call through a breaker. */
export type Call = () => Promise<unknown>;

/** What a breaker judges by: failures in a row, the last calls, or the last ten seconds. */
export type Kind = "consecutive" | "time" | { readonly count: number };

const failureRateThreshold = 0.99;

/** A call through our breaker. */
export function ours(kind: Kind, work: Work, more: CircuitBreakerOptions = {}): Call {
  const breaker = new CircuitBreaker({ failureRateThreshold, ...optionsOf(kind), ...more });
  return () => breaker.call(work);
}

function optionsOf(kind: Kind): CircuitBreakerOptions {
  if (kind === "consecutive") return { consecutiveFailures: 1_000_000 };
  if (kind === "time") return { window: { kind: "time", durationMs: 10_000 } };
  return { window: { kind: "count", calls: kind.count } };
}

/** A call through cockatiel's breaker of the same kind, which times calls if somebody listens. */
export function cockatiel(kind: Kind, work: Work, timed = false): Call {
  const policy = circuitBreaker(handleAll, {
    breaker: cockatielBreaker(kind),
    halfOpenAfter: 30_000,
  });
  if (timed) policy.onSuccess(() => {});
  return () => policy.execute(work);
}

function cockatielBreaker(kind: Kind): IBreaker {
  if (kind === "consecutive") return new ConsecutiveBreaker(1_000_000);
  if (kind === "time") {
    return new SamplingBreaker({ threshold: failureRateThreshold, duration: 10_000 });
  }
  return new CountBreaker({ threshold: failureRateThreshold, size: kind.count });
}

/** A call through opossum's breaker, which always times calls and judges by a window of time. */
export function opossum(work: Work, rollingCountTimeout = 10_000): Call {
  const breaker = new OpossumBreaker(work, {
    timeout: false,
    errorThresholdPercentage: 100,
    rollingCountTimeout,
  });
  return () => breaker.fire();
}

/** Calls that the three refuse. */
export async function openBreakers(): Promise<{ ours: Call; cockatiel: Call; opossum: Call }> {
  const work = async () => 1;
  const down = async () => {
    throw new Error("down");
  };
  const openForMs = 3_600_000;
  const mine = new CircuitBreaker({ name: "preview", consecutiveFailures: 1, openForMs });
  await mine.call(down).catch(() => {});
  const policy = circuitBreaker(handleAll, {
    breaker: new ConsecutiveBreaker(1),
    halfOpenAfter: openForMs,
  });
  await policy.execute(down).catch(() => {});
  const theirs = new OpossumBreaker(work, { timeout: false, resetTimeout: openForMs });
  theirs.open();
  return {
    ours: () => mine.call(work),
    cockatiel: () => policy.execute(work),
    opossum: () => theirs.fire(),
  };
}
