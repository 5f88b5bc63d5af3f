// Registers every family on live breakers: the guard of the README's metrics table looks here.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { registerCircuitBreakers } from "@compendium/circuit-breaker/metrics";
import type { MetricRegistry } from "@compendium/metrics";

export function registerExample(registry: MetricRegistry): void {
  const breakers = ["preview", "billing"].map((name) => new CircuitBreaker({ name }));
  registerCircuitBreakers(registry, breakers);
}
