// A breaker's numbers for Prometheus, read when it asks: a scrape costs one `stats()` for each
// family, the calls in between nothing. The labels are closed sets: the names of the breakers that
// are registered, and what each family can say of them.
import { type Family, type MetricRegistry, registerMetrics } from "@compendium/metrics";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import type { Outcome } from "./permit.ts";
import type { CallCounts, Refusal, State } from "./state.ts";

const OUTCOMES: readonly Outcome[] = ["success", "failure", "cancelled", "ignored"];

const STATES: readonly State[] = [
  "closed",
  "open",
  "half-open",
  "forced-open",
  "forced-closed",
  "disabled",
];

const REFUSALS: Readonly<Record<Refusal["code"], { reason: string; count: keyof CallCounts }>> = {
  CIRCUIT_OPEN: { reason: "open", count: "refusedOpen" },
  CIRCUIT_HALF_OPEN: { reason: "half-open", count: "refusedHalfOpen" },
  CIRCUIT_FORCED_OPEN: { reason: "forced-open", count: "refusedForcedOpen" },
  CIRCUIT_IN_FLIGHT_MAX: { reason: "in-flight-max", count: "refusedInFlightMax" },
};

/**
 * Shows `breakers` in `registry`, told apart by their names, until the returned object is disposed.
 * Takes 25 series for each; a scrape changes nothing, and a breaker may be in several registries.
 *
 * @throws TypeError when two breakers have one name, here or among those registered before
 * @throws RangeError when there are more than 1,666 of them, which is 10,000 series in one family
 */
export function registerCircuitBreakers(
  registry: MetricRegistry,
  breakers: Iterable<CircuitBreaker>,
): Disposable {
  const byName = new Map<string, CircuitBreaker>();
  for (const breaker of breakers) {
    const { name } = breaker;
    if (byName.has(name)) throw new TypeError(`two circuit breakers have the name "${name}"`);
    byName.set(name, breaker);
  }
  // No breaker, no series: and a label without values is no label.
  if (byName.size === 0) return { [Symbol.dispose]: () => {} };
  return registerMetrics(registry, [...countersOf(byName), ...gaugesOf(byName)]);
}

type Breakers = ReadonlyMap<string, CircuitBreaker>;

function countersOf(breakers: Breakers): Family[] {
  const name = [...breakers.keys()];
  const reasons = Object.values(REFUSALS);
  return [
    {
      name: "circuit_breaker_calls_total",
      type: "counter",
      help: "Calls that were admitted and have ended, by how they count.",
      labels: { name, outcome: OUTCOMES },
      collect: (emit) => {
        for (const [name, breaker] of breakers) {
          const { counts } = breaker.stats();
          for (const outcome of OUTCOMES) emit(counts[outcome], { name, outcome });
        }
      },
    },
    {
      name: "circuit_breaker_refused_total",
      type: "counter",
      help: "Calls that were refused, by what stood in their way.",
      labels: { name, reason: reasons.map(({ reason }) => reason) },
      collect: (emit) => {
        for (const [name, breaker] of breakers) {
          const { counts } = breaker.stats();
          for (const { reason, count } of reasons) emit(counts[count], { name, reason });
        }
      },
    },
    {
      name: "circuit_breaker_transitions_total",
      type: "counter",
      help: "Changes of state, by the state that was entered.",
      labels: { name, to: STATES },
      collect: (emit) => {
        for (const [name, breaker] of breakers) {
          const { entered } = breaker.stats();
          for (const to of STATES) emit(entered[to], { name, to });
        }
      },
    },
    ofEach(breakers, "counter", "circuit_breaker_slow_calls_total", {
      help: "Calls that were in flight for too long, ended or not.",
      read: ({ counts }) => counts.slow,
    }),
    ofEach(breakers, "counter", "circuit_breaker_late_calls_total", {
      help: "Successes and failures that came after the state they started in was gone.",
      read: ({ counts }) => counts.late,
    }),
  ];
}

function gaugesOf(breakers: Breakers): Family[] {
  return [
    {
      name: "circuit_breaker_state",
      type: "gauge",
      help: "1 for the state in which the breaker is, 0 for the others.",
      labels: { name: [...breakers.keys()], state: STATES },
      collect: (emit) => {
        for (const [name, breaker] of breakers) {
          for (const state of STATES) emit(breaker.state === state ? 1 : 0, { name, state });
        }
      },
    },
    ofEach(breakers, "gauge", "circuit_breaker_calls_in_flight", {
      help: "Calls that were admitted and have not ended.",
      read: ({ inFlight }) => inFlight,
    }),
    ofEach(breakers, "gauge", "circuit_breaker_failure_ratio", {
      help: "Share of the calls in the window that failed.",
      read: ({ failureRate }) => failureRate,
    }),
    ofEach(breakers, "gauge", "circuit_breaker_slow_ratio", {
      help: "Share of the calls in the window that were slow.",
      read: ({ slowRate }) => slowRate,
    }),
  ];
}

function ofEach(
  breakers: Breakers,
  type: "counter" | "gauge",
  name: string,
  { help, read }: { help: string; read: (stats: ReturnType<CircuitBreaker["stats"]>) => number },
): Family {
  return {
    name,
    type,
    help,
    labels: { name: [...breakers.keys()] },
    collect: (emit) => {
      for (const [name, breaker] of breakers) emit(read(breaker.stats()), { name });
    },
  };
}
