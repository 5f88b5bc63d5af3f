// The numbers at scrape time: absolute, unchanged by being read, and named by convention.

import { FaultProxy } from "@compendium/chaos";
import { registerChaosMetrics } from "@compendium/chaos/metrics";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { Rig, until } from "./helpers.ts";

test("a scrape shows what stats() says, twice the same, in two registries", async () => {
  await using rig = await Rig.start();
  const [client, server] = await rig.pair();
  await rig.proxy.set({ downstream: { blackhole: true, latencyMs: 5 } });
  client.socket.write("hello");
  server.socket.write("hi");
  await until(() => server.text === "hello" && rig.proxy.stats().downstream.bytesHeld === 2);

  const registries = [new Registry(), new Registry()];
  for (const registry of registries) registerChaosMetrics(registry, { db: rig.proxy });
  const scrapes = await Promise.all([...registries, ...registries].map((each) => each.metrics()));
  expect(new Set(scrapes).size).toBe(1);
  for (const line of [
    'chaos_connections{proxy="db"} 1',
    'chaos_connections_accepted_total{proxy="db"} 1',
    'chaos_connections_over_limit_total{proxy="db"} 0',
    'chaos_dial_failures_total{proxy="db"} 0',
    'chaos_resets_total{proxy="db"} 0',
    'chaos_received_bytes_total{proxy="db",direction="upstream"} 5',
    'chaos_delivered_bytes_total{proxy="db",direction="upstream"} 5',
    'chaos_delivered_bytes_total{proxy="db",direction="downstream"} 0',
    'chaos_held_bytes{proxy="db",direction="downstream"} 2',
    'chaos_fault_active{proxy="db",fault="downstream_blackhole"} 1',
    'chaos_fault_active{proxy="db",fault="downstream_latency"} 1',
    'chaos_fault_active{proxy="db",fault="upstream_blackhole"} 0',
    'chaos_fault_active{proxy="db",fault="refuse"} 0',
  ]) {
    expect(scrapes[0]).toContain(`${line}\n`);
  }
});

test("disposing takes the families out again; no proxy at all is a RangeError", async () => {
  await using proxy = await FaultProxy.listen({ upstream: { port: 1 } });
  const registry = new Registry();
  const registered = registerChaosMetrics(registry, { db: proxy });
  expect(registry.getMetricsAsArray()).toHaveLength(9);
  registered[Symbol.dispose]();
  expect(registry.getMetricsAsArray()).toHaveLength(0);
  expect(() => registerChaosMetrics(registry, {})).toThrow(RangeError);
});
