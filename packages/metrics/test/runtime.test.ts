import { readFileSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import { collectRuntime } from "@compendium/metrics/runtime";
import {
  assertPromtoolClean,
  documentedMetrics,
  promtool,
  registeredMetrics,
  requireOrSkip,
} from "@compendium/metrics/testing";
import { Registry } from "prom-client";
import { expect, onTestFinished, test, vi } from "vitest";

function runtime(eventLoopSampleEveryMs = 1): Registry {
  const registry = new Registry();
  const collecting = collectRuntime(registry, { eventLoopSampleEveryMs });
  onTestFinished(() => collecting[Symbol.dispose]());
  return registry;
}

/** The value of one series of the exposition. */
function seriesIn(text: string, series: string): number {
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}

test("promtool finds nothing to complain about", async (context) => {
  requireOrSkip(context, promtool());
  assertPromtoolClean(await runtime().metrics());
});

test("the README's table is the registry", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  expect(documentedMetrics(readme)).toEqual(registeredMetrics(runtime()));
});

test("readings are those of the process", async () => {
  const text = await runtime().metrics();
  const { user, system } = process.cpuUsage();
  const cpuSeconds = seriesIn(text, "process_cpu_seconds_total");
  expect(cpuSeconds).toBeGreaterThan(0);
  expect(cpuSeconds).toBeLessThanOrEqual((user + system) / 1e6);
  const used = seriesIn(text, "nodejs_heap_used_bytes");
  expect(used).toBeGreaterThan(1e6);
  expect(seriesIn(text, "nodejs_heap_limit_bytes")).toBeGreaterThan(used);
  expect(seriesIn(text, "process_start_time_seconds")).toBeLessThanOrEqual(Date.now() / 1_000);
  expect(seriesIn(text, `nodejs_version_info{version="${process.version}"}`)).toBe(1);
  expect(text).toMatch(/nodejs_active_resources\{type="Timeout"\} \d+/);
});

test("a blocked event loop shows as a delay, and in the bucket of its length", async () => {
  const registry = runtime();
  await new Promise((resolve) => setTimeout(resolve, 5));
  const until = performance.now() + 60;
  while (performance.now() < until);
  const series = 'nodejs_eventloop_delay_seconds_bucket{le="0.05"}';
  const late = async () => {
    const text = await registry.metrics();
    return seriesIn(text, "nodejs_eventloop_delay_seconds_count") - seriesIn(text, series);
  };
  await vi.waitUntil(async () => (await late()) >= 1);
});

test("garbage collections show by kind", async () => {
  const registry = runtime();
  const count = async () => {
    const text = await registry.metrics();
    return seriesIn(text, 'nodejs_gc_duration_seconds_count{kind="minor"}');
  };
  const before = await count();
  await vi.waitUntil(async () => {
    // Ten megabytes of short-lived objects fill the nursery.
    for (let i = 0; i < 300_000; i++) [i, { i }].length;
    Array.from({ length: 100_000 }, (_, i) => ({ i, text: `${i}` }));
    return (await count()) > before;
  });
});

test("two registries may watch the process at once, and disposing leaves nothing behind", () => {
  const [a, b] = [new Registry(), new Registry()];
  const alive = () => process.getActiveResourcesInfo().length;
  const disconnect = vi.spyOn(PerformanceObserver.prototype, "disconnect");
  const before = alive();
  const collecting = [a, b].map((registry) => collectRuntime(registry));
  // Nor does it keep the process alive while it lasts.
  expect(alive()).toBeLessThanOrEqual(before);
  for (const each of collecting) each[Symbol.dispose]();
  expect([a, b].flatMap((registry) => registry.getMetricsAsArray())).toEqual([]);
  expect(alive()).toBeLessThanOrEqual(before);
  expect(disconnect).toHaveBeenCalledTimes(2);
  disconnect.mockRestore();
});

test("refuses to be registered twice, and an interval that is none", () => {
  const registry = runtime();
  expect(() => collectRuntime(registry)).toThrow("is registered already");
  for (const eventLoopSampleEveryMs of [0, 1.5, 60_001, Number.NaN]) {
    expect(() => collectRuntime(new Registry(), { eventLoopSampleEveryMs })).toThrow(
      /eventLoopSampleEveryMs must be an integer in \[1, 60000\], got/,
    );
  }
});
