import { readFileSync } from "node:fs";
import path from "node:path";
import { assertPromtoolClean, promtool, requireOrSkip } from "@compendium/metrics/testing";
import { OUTCOMES, RateLimiter, tokenBucket } from "@compendium/rate-limiter";
import {
  type MeasurableStore,
  type RateLimiterStats,
  type RedisStoreStats,
  registerRateLimiters,
  registerRedisStores,
} from "@compendium/rate-limiter/metrics";
import { RedisRateLimiter, RedisStore } from "@compendium/rate-limiter/redis";
import { ManualClock } from "@compendium/runtime";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { registerExample } from "./metrics-example.ts";
import { FakeRedis } from "./support/fake-redis.ts";

const rule = tokenBucket({ limit: 2, windowMs: 1_000 });

async function linesOf(registry: Registry): Promise<string[]> {
  return (await registry.metrics()).split("\n");
}

test("a scrape shows the decisions and the keys of a limiter in memory", async () => {
  const registry = new Registry();
  const clock = new ManualClock();
  const limiter = new RateLimiter(rule, { name: "workspace", keysMax: 2, clock });
  registerRateLimiters(registry, [limiter]);
  for (const key of ["ada", "ada", "ada", "ben", "eve"]) limiter.take(key);
  limiter.take("ada", 3);

  expect(await linesOf(registry)).toEqual(
    expect.arrayContaining([
      'rate_limiter_decisions_total{name="workspace",outcome="allowed"} 3',
      'rate_limiter_decisions_total{name="workspace",outcome="denied"} 1',
      'rate_limiter_decisions_total{name="workspace",outcome="keys-max"} 1',
      'rate_limiter_decisions_total{name="workspace",outcome="too-costly"} 1',
      'rate_limiter_keys{name="workspace"} 2',
      'rate_limiter_keys_max{name="workspace"} 2',
      'rate_limiter_keys_forgotten_total{name="workspace"} 0',
    ]),
  );
  // All are full again: the new key takes the place of one that is forgotten.
  clock.advance(10_000);
  limiter.take("eve");
  expect(await linesOf(registry)).toEqual(
    expect.arrayContaining([
      'rate_limiter_keys{name="workspace"} 2',
      'rate_limiter_keys_forgotten_total{name="workspace"} 1',
    ]),
  );
});

test("a scrape shows how many decisions a call of the store carried, and how long it took", async () => {
  const registry = new Registry();
  const clock = new ManualClock();
  const redis = new FakeRedis({ clock, answersAfterMs: 3 });
  await using store = new RedisStore(redis.client, { clock });
  const limiter = new RedisRateLimiter(rule, { name: "fleet", store, clock });
  registerRateLimiters(registry, [limiter]);
  registerRedisStores(registry, { redis: store });
  redis.hasForgotten = true;
  const taken = Array.from({ length: 5 }, () => limiter.take("ada"));
  await clock.advanceAsync(2);
  expect(await registry.metrics()).toContain('store_calls_unanswered{name="redis"} 1');
  await clock.advanceAsync(1);
  await Promise.all(taken);

  expect(await linesOf(registry)).toEqual(
    expect.arrayContaining([
      'rate_limiter_decisions_total{name="fleet",outcome="allowed"} 5',
      'rate_limiter_keys_blocked{name="fleet"} 0',
      'rate_limiter_store_ready{name="redis"} 1',
      'rate_limiter_store_decisions_total{name="redis"} 5',
      'rate_limiter_store_calls_total{name="redis"} 1',
      'rate_limiter_store_calls_unanswered{name="redis"} 0',
      'rate_limiter_store_script_loads_total{name="redis"} 1',
      'rate_limiter_store_call_seconds_bucket{le="0.0025",name="redis"} 0',
      'rate_limiter_store_call_seconds_bucket{le="0.005",name="redis"} 1',
      'rate_limiter_store_call_seconds_sum{name="redis"} 0.003',
      'rate_limiter_store_call_seconds_count{name="redis"} 1',
    ]),
  );
});

test("decisions that the store did not make are counted by code, and by what the policy said", async () => {
  const registry = new Registry();
  const clock = new ManualClock();
  const redis = new FakeRedis({ clock, answersAfterMs: 60 });
  const store = new RedisStore(redis.client, { clock, timeoutMs: 50 });
  const policies = { open: "open", closed: "closed", local: { localShare: 0.5 } } as const;
  const limiters = Object.entries(policies).map(
    ([name, onStoreFailure]) => new RedisRateLimiter(rule, { name, store, clock, onStoreFailure }),
  );
  registerRateLimiters(registry, limiters);
  registerRedisStores(registry, { redis: store });

  const takeOfEach = async () => {
    const taken = limiters.map((limiter) => limiter.take("ada"));
    await clock.advanceAsync(50);
    await Promise.all(taken);
  };
  await takeOfEach();
  await clock.advanceAsync(10);
  redis.disconnect();
  await takeOfEach();
  await store[Symbol.asyncDispose]();
  await takeOfEach();

  expect(await linesOf(registry)).toEqual(
    expect.arrayContaining([
      'rate_limiter_decisions_total{name="open",outcome="store-open"} 3',
      'rate_limiter_decisions_total{name="closed",outcome="store-closed"} 3',
      'rate_limiter_decisions_total{name="local",outcome="store-local-allowed"} 1',
      'rate_limiter_decisions_total{name="local",outcome="store-local-denied"} 2',
      'rate_limiter_store_ready{name="redis"} 0',
      'rate_limiter_store_decisions_total{name="redis"} 9',
      'rate_limiter_store_failures_total{name="redis",code="STORE_TIMEOUT"} 3',
      'rate_limiter_store_failures_total{name="redis",code="STORE_UNAVAILABLE"} 3',
      'rate_limiter_store_failures_total{name="redis",code="STORE_ERROR"} 0',
      'rate_limiter_store_failures_total{name="redis",code="STORE_CLOSED"} 3',
      // The answer came late: it decided nothing, and its time counts.
      'rate_limiter_store_call_seconds_bucket{le="0.05",name="redis"} 0',
      'rate_limiter_store_call_seconds_bucket{le="0.1",name="redis"} 1',
    ]),
  );
});

test("an error of the server is a failure of every decision in the call", async () => {
  const registry = new Registry();
  const clock = new ManualClock();
  const redis = new FakeRedis({ clock, answersAfterMs: 1 });
  await using store = new RedisStore(redis.client, { clock });
  const limiter = new RedisRateLimiter(rule, { store, clock });
  registerRedisStores(registry, { redis: store });
  redis.error = new Error("OOM command not allowed when used memory > 'maxmemory'.");
  const taken = [limiter.take("ada"), limiter.take("ben")];
  await clock.advanceAsync(1);
  await Promise.all(taken);
  const text = await registry.metrics();
  expect(text).toContain('failures_total{name="redis",code="STORE_ERROR"} 2');
});

test("every outcome and every code is a series from the start: a first failure is an increase", async () => {
  const registry = new Registry();
  await registerExample(registry);
  const lines = await linesOf(registry);
  for (const name of ["workspace", "fleet"]) {
    for (const outcome of OUTCOMES) {
      expect(lines).toContain(
        `rate_limiter_decisions_total{name="${name}",outcome="${outcome}"} 0`,
      );
    }
  }
  await using store = new RedisStore(new FakeRedis({ clock: new ManualClock() }).client);
  for (const code of Object.keys(store.stats().failures)) {
    expect(lines).toContain(`rate_limiter_store_failures_total{name="redis",code="${code}"} 0`);
  }
});

test("a key is never shown", async () => {
  const registry = new Registry();
  const clock = new ManualClock();
  const redis = new FakeRedis({ clock, answersAfterMs: 1 });
  await using store = new RedisStore(redis.client, { clock });
  const fleet = new RedisRateLimiter(rule, { name: "fleet", store, clock, blockCacheKeysMax: 10 });
  const workspace = new RateLimiter(rule, { name: "workspace", clock });
  registerRateLimiters(registry, [fleet, workspace]);
  registerRedisStores(registry, { redis: store });
  const before = (await linesOf(registry)).length;
  for (let i = 0; i < 100; i++) workspace.take(`secret-${i}`);
  const taken = Array.from({ length: 100 }, (_, i) => fleet.take(`secret-${i}`));
  await clock.advanceAsync(1);
  await Promise.all(taken);
  const lines = await linesOf(registry);
  expect(lines.join()).not.toContain("secret");
  expect(lines.length).toBe(before);
});

test("a scrape changes nothing, and two registries may watch one limiter and one store", async () => {
  const clock = new ManualClock();
  const redis = new FakeRedis({ clock, answersAfterMs: 1 });
  await using store = new RedisStore(redis.client, { clock });
  const fleet = new RedisRateLimiter(rule, { name: "fleet", store, clock });
  const workspace = new RateLimiter(rule, { name: "workspace", clock });
  const registries = [new Registry(), new Registry()];
  for (const registry of registries) {
    registerRateLimiters(registry, [fleet, workspace]);
    registerRedisStores(registry, { redis: store });
  }
  workspace.take("ada");
  const taken = fleet.take("ada");
  await clock.advanceAsync(1);
  await taken;
  const before = [fleet, workspace, store].map((it) => it.stats());
  const [first, second] = await Promise.all(registries.map((registry) => registry.metrics()));
  expect(first).toBe(second);
  expect([fleet, workspace, store].map((it) => it.stats())).toEqual(before);
});

test("what comes later joins the families; one name cannot appear twice", async () => {
  const registry = new Registry();
  await using store = new RedisStore(new FakeRedis({ clock: new ManualClock() }).client);
  const first = registerRateLimiters(registry, [new RateLimiter(rule, { name: "a" })]);
  registerRateLimiters(registry, [new RateLimiter(rule, { name: "b" })]);
  const stores = registerRedisStores(registry, { redis: store });
  expect(await registry.metrics()).toContain('rate_limiter_keys{name="b"} 0');

  for (const again of [
    new RateLimiter(rule, { name: "b" }),
    new RedisRateLimiter(rule, { name: "b", store }),
  ]) {
    expect(() => registerRateLimiters(registry, [again])).toThrow(TypeError);
  }
  const twins = [new RateLimiter(rule), new RedisRateLimiter(rule, { store })];
  expect(() => registerRateLimiters(new Registry(), twins)).toThrow(/two .*"rate-limiter"/);
  expect(() => registerRedisStores(registry, { redis: store })).toThrow(TypeError);

  first[Symbol.dispose]();
  stores[Symbol.dispose]();
  const text = await registry.metrics();
  expect(text).not.toContain('name="a"');
  expect(text).not.toContain("rate_limiter_store");
});

test("whatever has the numbers can be shown", async () => {
  const registry = new Registry();
  const decisions = new RateLimiter(rule).stats().decisions;
  const stats: RateLimiterStats = { name: "x", decisions, keys: 1, keysMax: 2, keysForgotten: 3 };
  registerRateLimiters(registry, [{ name: "mine", stats: () => stats }]);
  const numbers: RedisStoreStats = {
    calls: 1,
    decisions: 2,
    callsUnanswered: 0,
    scriptLoads: 0,
    failures: {
      STORE_TIMEOUT: 0,
      STORE_LOST: 0,
      STORE_UNAVAILABLE: 0,
      STORE_ERROR: 0,
      STORE_CLOSED: 0,
    },
    callSeconds: { bounds: [1], counts: [1, 0], sum: 0.5, count: 1 },
  };
  const store: MeasurableStore = { isReady: true, stats: () => numbers };
  registerRedisStores(registry, { "theirs, too": store });
  const text = await registry.metrics();
  expect(text).toContain('rate_limiter_keys{name="mine"} 1');
  expect(text).toContain('rate_limiter_keys_max{name="mine"} 2');
  expect(text).toContain('rate_limiter_keys_forgotten_total{name="mine"} 3');
  expect(text).toContain('rate_limiter_store_decisions_total{name="theirs, too"} 2');
});

test("no limiters and no stores, no metrics", () => {
  const registry = new Registry();
  registerRateLimiters(registry, [])[Symbol.dispose]();
  registerRedisStores(registry, {})[Symbol.dispose]();
  expect(registry.getMetricsAsArray()).toEqual([]);
});

test("promtool finds nothing to complain about", async (context) => {
  requireOrSkip(context, promtool());
  const registry = new Registry();
  await registerExample(registry);
  assertPromtoolClean(await registry.metrics());
});

// Of a file and all that it imports, types included: these stand in its declarations.
function packagesBehind(file: string, packages = new Set<string>(), seen = new Set<string>()) {
  if (seen.has(file)) return packages;
  seen.add(file);
  for (const [, from = ""] of readFileSync(file, "utf8").matchAll(/ from "([^"]+)";/g)) {
    if (!from.startsWith(".")) packages.add(from);
    else packagesBehind(path.resolve(path.dirname(file), from), packages, seen);
  }
  return packages;
}

test("metrics of limits in memory need neither ioredis nor prom-client, not even their types", () => {
  const src = path.join(import.meta.dirname, "../src");
  expect([...packagesBehind(path.join(src, "metrics.ts"))]).toEqual(["@compendium/metrics"]);
  expect([...packagesBehind(path.join(src, "redis.ts"))]).toContain("ioredis");
});
