// The same policies around the same call, by each contestant: three attempts, a breaker over the
// last 100 calls that the load does not trip, a second of patience, ten calls at once.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import {
  bulkhead,
  type CallOptions,
  circuitBreaker,
  type Policy,
  pipeline,
  retry,
  timeout,
} from "@compendium/resilience";
import * as cockatiel from "cockatiel";
import OpossumBreaker from "opossum";

/** What stands behind the policies. */
export type Work = () => Promise<unknown>;

/** A call through them. */
export type Call = () => Promise<unknown>;

/** Which policies, outermost first. */
export type Kind = "retry" | "breaker" | "timeout" | "bulkhead";

const THRESHOLD = 0.99;
const TIMEOUT_MS = 1_000;
const PLACES = 10;

/** Through our policies. */
export function ours(kinds: readonly Kind[], work: Work, options?: CallOptions): Call {
  const make: Record<Kind, () => Policy> = {
    retry: () => retry({ attemptsMax: 3 }),
    breaker: () => circuitBreaker(new CircuitBreaker({ failureRateThreshold: THRESHOLD })),
    timeout: () => timeout({ timeoutMs: TIMEOUT_MS }),
    bulkhead: () => bulkhead({ concurrencyMax: PLACES }),
  };
  const calls = pipeline(...kinds.map((kind) => make[kind]()));
  return options === undefined ? () => calls.call(work) : () => calls.call(work, options);
}

/** Through cockatiel's. */
export function theirs(kinds: readonly Kind[], work: Work, signal?: AbortSignal): Call {
  const { handleAll, TimeoutStrategy } = cockatiel;
  const make: Record<Kind, () => cockatiel.IPolicy> = {
    // Failures are to be passed on at once, as ours does for calls that are not idempotent.
    retry: () =>
      cockatiel.retry(
        cockatiel.handleWhen(() => false),
        { maxAttempts: 2 },
      ),
    breaker: () => {
      const breaker = new cockatiel.CountBreaker({ threshold: THRESHOLD, size: 100 });
      return cockatiel.circuitBreaker(handleAll, { breaker, halfOpenAfter: 30_000 });
    },
    timeout: () => cockatiel.timeout(TIMEOUT_MS, TimeoutStrategy.Aggressive),
    bulkhead: () => cockatiel.bulkhead(PLACES),
  };
  const policy = cockatiel.wrap(...kinds.map((kind) => make[kind]()));
  return signal === undefined ? () => policy.execute(work) : () => policy.execute(work, signal);
}

/** Through opossum, which is a breaker with a timeout and a capacity. */
export function opossum(work: Work): Call {
  const breaker = new OpossumBreaker(work, {
    timeout: TIMEOUT_MS,
    capacity: PLACES,
    errorThresholdPercentage: 100,
  });
  return () => breaker.fire();
}
