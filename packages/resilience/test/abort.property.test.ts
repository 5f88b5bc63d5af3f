import {
  admission,
  bulkhead,
  deadline,
  fallback,
  hedge,
  loadShedder,
  retry,
  singleFlight,
  throttle,
  timeout,
} from "@compendium/resilience";
import { SeededRandom } from "@compendium/runtime";
import { describeAbort } from "./abort.contract.ts";
import { allowAll, grudging, slowly } from "./support/limiters.ts";

describeAbort("hedge after a delay", () => [hedge({ delayMs: 10, attemptsMax: 3 })]);
describeAbort("hedge after a percentile", () => [hedge({ percentile: 50, minimumCalls: 1 })]);
describeAbort("single-flight", () => [singleFlight({ maxAgeMs: 30 })]);
describeAbort("throttle", () => [throttle({ minimumCalls: 0, random: new SeededRandom(1) })]);
describeAbort("load shedder outside a queue", () => [
  loadShedder({ targetMs: 5, intervalMs: 10, inFlightMax: 4, random: new SeededRandom(2) }),
  bulkhead({ concurrencyMax: 1, queue: { lengthMax: 3 } }),
]);
describeAbort("admission", () => [admission(allowAll)]);
describeAbort("admission by a slow limiter", () => [admission(slowly(grudging(20), 3))]);
describeAbort("admission by a limiter that fails late", () => [
  admission({
    take: async () => {
      for (let i = 0; i < 3; i++) await null;
      throw new Error("down");
    },
  }),
]);
describeAbort("admission with a wait", () => [admission(grudging(20), { waitMsMax: 100 })]);
describeAbort("deadline", () => [deadline({ deadlineInMs: 40 })]);
describeAbort("retry", () => [
  retry({ attemptsMax: 4, backoff: { baseMs: 10, jitter: "none" }, evenIfNotIdempotent: true }),
]);
describeAbort("bulkhead with a queue", () => [
  bulkhead({ concurrencyMax: 1, queue: { lengthMax: 4, order: "adaptive-lifo" } }),
]);
describeAbort("timeout", () => [timeout({ timeoutMs: 40 })]);
describeAbort("fallback", () => [fallback(() => "instead")]);
// Without a single-flight: a retry inside it works for all who share the flight, and goes on with
// the work of one who has left.
describeAbort("many at once", () => [
  fallback(() => "instead"),
  throttle({ random: new SeededRandom(3) }),
  deadline({ deadlineInMs: 100 }),
  retry({ backoff: { baseMs: 5, jitter: "none" } }),
  hedge({ delayMs: 10 }),
  bulkhead({ concurrencyMax: 2, queue: { lengthMax: 4 } }),
  timeout({ timeoutMs: 40 }),
]);
