// Registers every family on a live object: the guard of the README's metrics table looks here.
import type { MetricRegistry } from "@compendium/metrics";
import { Text } from "../src/index.ts";
import { MeasuredReplica, registerReplicas } from "../src/metrics.ts";

export function registerExample(registry: MetricRegistry): void {
  const stable = (): Map<string, number> => new Map();
  registerReplicas(registry, [new MeasuredReplica("notes", new Text("eu"), { stable })]);
}
