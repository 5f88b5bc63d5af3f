import { readFileSync } from "node:fs";
import {
  assertPromtoolClean,
  documentedMetrics,
  promtool,
  registeredMetrics,
  requireOrSkip,
} from "@compendium/metrics/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBilling } from "../src/billing.ts";
import { createEdge } from "../src/edge.ts";
import { createPresence } from "../src/presence.ts";
import type { PresenceReplica } from "../src/presence-replica.ts";
import { createPreview } from "../src/preview.ts";
import { createRegistry } from "../src/registry.ts";
import { scenario } from "../src/scenario.ts";
import { scenario as x2 } from "../src/x2-scenario.ts";
import { openAlone } from "./in-process-presence.ts";
import { type InProcessRegistry, startRegistry } from "./in-process-registry.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const services = () => [
  createEdge(new URL("http://127.0.0.1:1"), scenario, true),
  createPreview(scenario),
  createBilling(x2, true),
  createRegistry(registry.member),
  createPresence(presence),
];

let registry: InProcessRegistry;
let presence: PresenceReplica;
beforeAll(async () => {
  registry = await startRegistry();
  presence = await openAlone();
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await presence.close();
});

test("the README lists the services' own metrics, as they are", () => {
  const registered = services()
    .flatMap(({ registry }) => registeredMetrics(registry))
    .filter(({ name }) => !/^(circuit_breaker|crdt_sync|raft|rate_limiter|resilience)_/.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  expect(documentedMetrics(readme)).toEqual(registered);
});

test("the edge shows the metrics of its policies and limits, too", async () => {
  const expositions = await Promise.all(services().map(({ registry }) => registry.metrics()));
  expect(expositions[0]).toContain(
    `circuit_breaker_calls_total{name="preview",outcome="success"} 0`,
  );
  expect(expositions[0]).toContain(
    `rate_limiter_decisions_total{name="workspace",outcome="denied"} 0`,
  );
  expect(expositions[0]).toContain(`resilience_hedge_hedges_total{name="preview"} 0`);
});

test("promtool accepts them", async (context) => {
  requireOrSkip(context, promtool());
  for (const { registry } of services()) assertPromtoolClean(await registry.metrics());
});
