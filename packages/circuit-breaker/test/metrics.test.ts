import { readFileSync } from "node:fs";
import path from "node:path";
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { registerCircuitBreakers } from "@compendium/circuit-breaker/metrics";
import {
  assertPromtoolClean,
  documentedMetrics,
  promtool,
  registeredMetrics,
  requireOrSkip,
} from "@compendium/metrics/testing";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { fail, succeed } from "./helpers.ts";
import { registerExample } from "./metrics-example.ts";

test("a scrape shows the calls, the refusals, the state and its changes", async () => {
  const registry = new Registry();
  const preview = new CircuitBreaker({ name: "preview", consecutiveFailures: 1 });
  const billing = new CircuitBreaker({ name: "billing" });
  registerCircuitBreakers(registry, [preview, billing]);
  await preview.call(succeed);
  await preview.call(fail).catch(() => {});
  await preview.call(succeed).catch(() => {});
  billing.acquire();

  const lines = (await registry.metrics()).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      'circuit_breaker_calls_total{name="preview",outcome="success"} 1',
      'circuit_breaker_calls_total{name="preview",outcome="failure"} 1',
      'circuit_breaker_refused_total{name="preview",reason="open"} 1',
      'circuit_breaker_transitions_total{name="preview",to="open"} 1',
      'circuit_breaker_state{name="preview",state="open"} 1',
      'circuit_breaker_state{name="preview",state="closed"} 0',
      'circuit_breaker_state{name="billing",state="closed"} 1',
      'circuit_breaker_failure_ratio{name="preview"} 0.5',
      'circuit_breaker_calls_in_flight{name="billing"} 1',
    ]),
  );
});

test("a scrape changes nothing, and two registries may watch one breaker", async () => {
  const breaker = new CircuitBreaker();
  const registries = [new Registry(), new Registry()];
  for (const registry of registries) registerCircuitBreakers(registry, [breaker]);
  await breaker.call(succeed);
  const before = breaker.stats();
  const [first, second] = await Promise.all(registries.map((registry) => registry.metrics()));
  expect(first).toBe(second);
  expect(breaker.stats()).toEqual(before);
});

test("later breakers join the families; one name cannot appear twice", async () => {
  const registry = new Registry();
  const later = registerCircuitBreakers(registry, [new CircuitBreaker({ name: "a" })]);
  registerCircuitBreakers(registry, [new CircuitBreaker({ name: "b" })]);
  expect(await registry.metrics()).toContain('circuit_breaker_slow_ratio{name="b"} 0');
  const again = new CircuitBreaker({ name: "b" });
  expect(() => registerCircuitBreakers(registry, [again])).toThrow(TypeError);
  const twins = [new CircuitBreaker(), new CircuitBreaker()];
  expect(() => registerCircuitBreakers(new Registry(), twins)).toThrow(/two .*"circuit-breaker"/);
  later[Symbol.dispose]();
  expect(await registry.metrics()).not.toContain('name="a"');
});

test("no breakers, no metrics", async () => {
  const registry = new Registry();
  registerCircuitBreakers(registry, [])[Symbol.dispose]();
  expect(registry.getMetricsAsArray()).toEqual([]);
});

test("promtool finds nothing to complain about", async (context) => {
  requireOrSkip(context, promtool());
  const registry = new Registry();
  registerExample(registry);
  assertPromtoolClean(await registry.metrics());
});

test("the README lists exactly the metrics that are registered", () => {
  const registry = new Registry();
  registerExample(registry);
  const readme = readFileSync(path.join(import.meta.dirname, "../README.md"), "utf8");
  expect(documentedMetrics(readme)).toEqual(registeredMetrics(registry));
});
