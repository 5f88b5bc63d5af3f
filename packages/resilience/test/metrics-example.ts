// Registers every family on live objects: the guard of the README's metrics table looks here.
import type { MetricRegistry } from "@compendium/metrics";
import {
  adaptiveLimit,
  admission,
  bulkhead,
  deadline,
  fallback,
  gradient2,
  hedge,
  loadShedder,
  pipeline,
  RetryBudget,
  retry,
  singleFlight,
  throttle,
  timeout,
} from "@compendium/resilience";
import { registerResilience } from "@compendium/resilience/metrics";

export function registerExample(registry: MetricRegistry): void {
  const budget = new RetryBudget();
  const client = pipeline(
    fallback(() => undefined),
    singleFlight(),
    throttle(),
    admission({ take: () => ({ allowed: true }) }),
    retry({ budget }),
    timeout({ timeoutMs: 1_000 }),
  );
  const server = pipeline(
    deadline({ deadlineInMs: 1_000 }),
    loadShedder(),
    adaptiveLimit({ limit: gradient2(), partitions: { shares: { critical: 0.6 } } }),
    bulkhead({ concurrencyMax: 10 }),
  );
  registerResilience(registry, { client, server, budget, hedge: hedge() });
}
