// Every metric family of this package on a live object; the README's table is held against it.

import type { MetricRegistry } from "@compendium/metrics";
import { collectRuntime } from "@compendium/metrics/runtime";

/** Registers every family of this package. */
export function registerExample(registry: MetricRegistry): void {
  collectRuntime(registry);
}
