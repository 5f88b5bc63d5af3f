// Every metric family on a live object; the README's table is held against it.

import { FaultProxy } from "@compendium/chaos";
import { registerChaosMetrics } from "@compendium/chaos/metrics";
import type { MetricRegistry } from "@compendium/metrics";

/** Registers every family of this package. */
export async function registerExample(registry: MetricRegistry): Promise<void> {
  const proxy = await FaultProxy.listen({ upstream: { port: 1 } });
  registerChaosMetrics(registry, { db: proxy });
  await proxy[Symbol.asyncDispose]();
}
