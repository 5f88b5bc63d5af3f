// Registers every family on a live object: the guard of the README's metrics table looks here.
import { SyncNode } from "@compendium/crdt-sync";
import { registerSyncNodes } from "@compendium/crdt-sync/metrics";
import type { MetricRegistry } from "@compendium/metrics";

export async function registerExample(registry: MetricRegistry): Promise<void> {
  await using node = new SyncNode({ name: "eu" });
  registerSyncNodes(registry, [node]);
}
