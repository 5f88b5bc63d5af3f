// What each policy costs alone, on a call that succeeds at once, beside a pipeline without any.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import {
  adaptiveLimit,
  admission,
  bulkhead,
  circuitBreaker,
  deadline,
  fallback,
  gradient2,
  hedge,
  loadShedder,
  type Policy,
  pipeline,
  RetryBudget,
  retry,
  singleFlight,
  throttle,
  timeout,
} from "@compendium/resilience";
import { measure } from "./rounds.ts";
import { makeRow, type Row } from "./row.ts";

const work = async () => 1;
const options = { key: "one", idempotent: true } as const;

const policies: Readonly<Record<string, () => Policy<unknown>>> = {
  fallback: () => fallback(() => 2),
  "retry with a budget": () => retry({ budget: new RetryBudget() }),
  "circuit breaker": () => circuitBreaker(new CircuitBreaker()),
  timeout: () => timeout({ timeoutMs: 1_000 }),
  deadline: () => deadline({ deadlineInMs: 1_000 }),
  bulkhead: () => bulkhead({ concurrencyMax: 10 }),
  "adaptive limit": () => adaptiveLimit({ limit: gradient2() }),
  hedge: () => hedge(),
  "single-flight": () => singleFlight(),
  throttle: () => throttle(),
  admission: () => admission({ take: () => ({ allowed: true }) }),
  "load shedder": () => loadShedder(),
};

/** Every policy alone. */
export async function singles(): Promise<Row[]> {
  const none = pipeline();
  const calls = Object.entries(policies).map(([name, make]) => {
    const one = pipeline(make());
    return { name, call: () => one.call(work, options) };
  });
  const contestants = [{ name: "none", call: () => none.call(work, options) }, ...calls];
  const [base = Number.NaN, ...figures] = await measure(contestants);
  return figures.map((figure, i) =>
    makeRow(`${calls[i]?.name} alone`, "ns CPU a call", [
      ["ours", figure],
      ["no policy", base],
    ]),
  );
}
