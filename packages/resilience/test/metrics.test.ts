import { readFileSync } from "node:fs";
import path from "node:path";
import { CircuitBreaker } from "@compendium/circuit-breaker";
import {
  assertPromtoolClean,
  documentedMetrics,
  promtool,
  registeredMetrics,
  requireOrSkip,
} from "@compendium/metrics/testing";
import {
  adaptiveLimit,
  bulkhead,
  circuitBreaker,
  fallback,
  gradient2,
  hedge,
  pipeline,
  RetryBudget,
  retry,
  timeout,
} from "@compendium/resilience";
import { registerResilience } from "@compendium/resilience/metrics";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { fail, succeed } from "./core/helpers.ts";
import { registerExample } from "./metrics-example.ts";

test("a scrape shows what policies have counted, and a budget's tokens", async () => {
  const registry = new Registry();
  const budget = new RetryBudget({ tokensMax: 1 });
  const policies = [
    fallback(() => "instead"),
    retry({ attemptsMax: 2, budget, backoff: { baseMs: 1, maxMs: 1, jitter: "none" } }),
    circuitBreaker(new CircuitBreaker()),
    timeout({ timeoutMs: 1_000 }),
    bulkhead({ concurrencyMax: 5 }),
  ] as const;
  const preview = pipeline(...policies);
  registerResilience(registry, { preview, "preview-budget": budget });
  await preview.call(succeed);
  await preview.call(fail, { idempotent: true });
  await preview.call(fail, { idempotent: true });

  const lines = (await registry.metrics()).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      'resilience_retry_calls_total{name="preview",outcome="first_time"} 1',
      'resilience_retry_calls_total{name="preview",outcome="failed"} 2',
      'resilience_retry_retries_total{name="preview"} 1',
      'resilience_retry_withheld_total{name="preview",reason="over_budget"} 1',
      'resilience_retry_budget_tokens{name="preview-budget"} 0',
      'resilience_retry_budget_retries_total{name="preview-budget",outcome="denied"} 1',
      'resilience_timeout_attempts_total{name="preview",outcome="in_time"} 4',
      'resilience_bulkhead_calls_total{name="preview",outcome="admitted"} 4',
      'resilience_bulkhead_running{name="preview"} 0',
      'resilience_fallback_failures_total{name="preview",outcome="answered"} 2',
    ]),
  );
});

test("a scrape changes nothing, and two registries may watch one pipeline", async () => {
  const policies = [retry(), timeout({ timeoutMs: 1_000 })] as const;
  const calls = pipeline(...policies);
  const registries = [new Registry(), new Registry()];
  for (const registry of registries) registerResilience(registry, { calls });
  await calls.call(succeed);
  const before = policies.map((policy) => policy.stats());
  const [first, second] = await Promise.all(registries.map((registry) => registry.metrics()));
  expect(first).toBe(second);
  expect(policies.map((policy) => policy.stats())).toEqual(before);
});

test("two timeouts of one pipeline are told apart; an unknown delay is NaN", async () => {
  const registry = new Registry();
  const [outer, inner] = [timeout({ timeoutMs: 2_000 }), timeout({ timeoutMs: 1_000 })];
  registerResilience(registry, { calls: pipeline(outer, retry(), inner), hedged: hedge() });
  const text = await registry.metrics();
  expect(text).toContain('attempts_total{name="calls-2",outcome="in_time"} 0');
  expect(text).toContain('resilience_hedge_delay_seconds{name="hedged"} Nan');
});

test("the classes of an adaptive limit are labels", async () => {
  const registry = new Registry();
  const policy = adaptiveLimit({
    limit: gradient2(),
    partitions: { shares: { critical: 0.5, sheddable: 0.2 } },
  });
  registerResilience(registry, { api: policy });
  await pipeline(policy).call(succeed, { criticality: "sheddable" });
  const text = await registry.metrics();
  for (const of of ["critical", "sheddable", "other"]) {
    expect(text).toContain(`resilience_adaptive_limit_in_flight{name="api",class="${of}"} 0`);
  }
  expect(text).toContain('limit_calls_total{name="api",outcome="admitted"} 1');
});

test("what comes later joins the families; a name is taken once", async () => {
  const registry = new Registry();
  const first = registerResilience(registry, { a: retry() });
  registerResilience(registry, { b: retry() });
  expect(() => registerResilience(registry, { b: retry() })).toThrow(TypeError);
  first[Symbol.dispose]();
  expect(await registry.metrics()).not.toContain('name="a"');
  registerResilience(registry, { a: retry() });
});

test("what has nothing to show is refused", () => {
  const breaker = circuitBreaker(new CircuitBreaker());
  for (const nothing of [breaker, pipeline(breaker), pipeline()]) {
    expect(() => registerResilience(new Registry(), { nothing })).toThrow(/"nothing" has nothing/);
  }
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
