// The contract of aborts for what stands together: a breaker in every state, and pipelines of the
// core in the orders that people write. The single policies are in abort.property.test.ts.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { bulkhead, circuitBreaker, fallback, retry, timeout } from "@compendium/resilience";
import { SeededRandom } from "@compendium/runtime";
import { describeAbort } from "./abort.contract.ts";

// Its time passes with every look, so that it opens, rests and probes within one schedule.
function restless(): CircuitBreaker {
  let now = 0;
  const clock = { now: () => now++ };
  const options = { consecutiveFailures: 1, halfOpenCalls: 1, openForMs: 5, slowAfterMs: 20 };
  return new CircuitBreaker({ ...options, clock, random: new SeededRandom(1) });
}

const tries = () =>
  retry({ attemptsMax: 3, backoff: { baseMs: 10, jitter: "none" }, evenIfNotIdempotent: true });
const breaker = () => circuitBreaker(restless());
const impatient = () => timeout({ timeoutMs: 30 });
const limit = () => bulkhead({ concurrencyMax: 1, queue: { lengthMax: 3, waitMsMax: 50 } });

describeAbort("circuit breaker", () => [breaker()]);
describeAbort("retry, breaker, timeout, bulkhead", () => [
  tries(),
  breaker(),
  impatient(),
  limit(),
]);
describeAbort("bulkhead, timeout: places outlive the wait", () => [limit(), impatient()]);
describeAbort("fallback, bulkhead, retry, timeout, breaker", () => [
  fallback(() => "instead"),
  limit(),
  tries(),
  impatient(),
  breaker(),
]);
describeAbort("timeout, retry, bulkhead", () => [timeout({ timeoutMs: 60 }), tries(), limit()]);
