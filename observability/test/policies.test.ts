// The alerts on what the policies themselves do: twenty minutes of virtual time for each case, with
// the packages' defaults wherever a case does not turn on something else.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { registerCircuitBreakers } from "@compendium/circuit-breaker/metrics";
import { promtool, requireOrSkip } from "@compendium/metrics/testing";
import { fixedWindow, RateLimiter } from "@compendium/rate-limiter";
import { registerRateLimiters, registerRedisStores } from "@compendium/rate-limiter/metrics";
import { type OnStoreFailure, RedisRateLimiter, RedisStore } from "@compendium/rate-limiter/redis";
import {
  admission,
  bulkhead,
  circuitBreaker,
  hedge,
  loadShedder,
  type Policy,
  RetryBudget,
  retry,
} from "@compendium/resilience";
import { registerResilience } from "@compendium/resilience/metrics";
import { beforeEach, test } from "vitest";
import { assertFired, scraped, type Trial, type World } from "./support/trial.ts";

beforeEach((context) => requireOrSkip(context, promtool()));

const quiet = { minutes: 20, everyMs: 500, workMs: 20, fails: () => false } as const;

// Down from the third minute to the end.
const outage = { ...quiet, fails: (atMs: number) => atMs > 3 * 60_000 };

// Shows the policies under one name, and hands them back.
function shown<P extends Policy>({ registry }: World, ...policies: P[]): P[] {
  for (const policy of policies) registerResilience(registry, { preview: policy });
  return policies;
}

function breaker({ clock, random, registry }: World): Policy {
  const made = new CircuitBreaker({ name: "preview", clock, random });
  registerCircuitBreakers(registry, [made]);
  return circuitBreaker(made);
}

async function expectFired(trial: Trial, ...alerts: string[]): Promise<void> {
  assertFired(await scraped(trial), alerts);
}

test("one failure in a hundred disturbs nobody", async () => {
  await expectFired({
    ...quiet,
    fails: (_, draw) => draw === 0,
    make: (world) => [
      ...shown(world, retry({ budget: new RetryBudget(), random: world.random })),
      breaker(world),
      ...shown<Policy>(world, hedge(), bulkhead({ concurrencyMax: 10 })),
    ],
  });
});

test("an outage behind a breaker: it does not recover", async () => {
  await expectFired(
    { ...outage, make: (world) => [breaker(world)] },
    "CircuitBreakerNotRecovering",
  );
});

test("an outage behind a retry with a budget: exhausted, and no storm", async () => {
  await expectFired(
    {
      ...outage,
      make: (world) => shown(world, retry({ budget: new RetryBudget(), random: world.random })),
    },
    "RetryBudgetExhausted",
  );
});

test("an outage behind a retry without a budget: a storm", async () => {
  await expectFired(
    { ...outage, make: (world) => shown(world, retry({ random: world.random })) },
    "RetryAmplificationHigh",
  );
});

test("a quarter of the calls fail, too few for the breaker to open", async () => {
  await expectFired(
    { ...quiet, fails: (_, draw) => draw < 25, make: (world) => [breaker(world)] },
    "CircuitBreakerFailuresWhileClosed",
  );
});

// It opens again before the next scrape: the state alone would look as if it had never closed.
test("a dependency that bears its probes, and not the load after them", async () => {
  let last = 0;
  let streak = 0;
  await expectFired(
    {
      ...quiet,
      // It needs a rest after four calls.
      fails: (atMs) => {
        streak = atMs - last > 10_000 ? 0 : streak + 1;
        last = atMs;
        return streak >= 4;
      },
      make: (world) => [breaker(world)],
    },
    "CircuitBreakerFlapping",
  );
});

test("a bulkhead of one place, and work for two", async () => {
  await expectFired(
    { ...quiet, workMs: 990, make: (world) => shown(world, bulkhead({ concurrencyMax: 1 })) },
    "BulkheadRefusing",
  );
});

test("every call is slower than the hedge's fixed delay: the budget holds it back", async () => {
  await expectFired(
    { ...quiet, workMs: 100, make: (world) => shown(world, hedge({ delayMs: 10 })) },
    "HedgeBudgetExhausted",
  );
});

test("the same with a budget of a half: hedges above the budget, too", async () => {
  const budget = new RetryBudget({ ratio: 0.4 });
  await expectFired(
    { ...quiet, workMs: 100, make: (world) => shown(world, hedge({ delayMs: 10, budget })) },
    "HedgeBudgetExhausted",
    "HedgesAboveBudget",
  );
});

// One worker of a second a call, and its queue.
const server = (world: World): readonly Policy[] =>
  shown<Policy>(
    world,
    loadShedder({ targetMs: 3_000, intervalMs: 1_000, random: world.random }),
    bulkhead({ concurrencyMax: 1, queue: { lengthMax: 1_000 } }),
  );

test("twice the load a server can bear, all of it critical: critical calls are shed", async () => {
  await expectFired(
    { ...quiet, workMs: 1_000, make: server },
    "CriticalCallsShed",
    "LoadShedderOverloaded",
  );
});

test("twice the load, three quarters of it sheddable: no critical call is shed", async () => {
  await expectFired(
    {
      ...quiet,
      workMs: 1_000,
      make: server,
      call: (index) => ({ criticality: index % 4 === 0 ? "critical" : "sheddable" }),
    },
    "LoadShedderOverloaded",
  );
});

// Two requests a second come, each with the key that it is given here.
function limited(
  { clock, registry }: World,
  options: { limitPerMinute: number; keysMax?: number; key?: () => string },
): readonly Policy[] {
  const { limitPerMinute: limit, keysMax = 100, key = () => "ada" } = options;
  const rule = fixedWindow({ limit, windowMs: 60_000 });
  const limiter = new RateLimiter(rule, { name: "workspace", keysMax, clock });
  registerRateLimiters(registry, [limiter]);
  return [admission({ take: () => limiter.take(key()) })];
}

test("a limit that denies every third request does its work", async () => {
  await expectFired({ ...quiet, make: (world) => limited(world, { limitPerMinute: 80 }) });
});

test("a limit that denies three of four: one client, or everybody", async () => {
  await expectFired(
    { ...quiet, make: (world) => limited(world, { limitPerMinute: 30 }) },
    "RateLimiterDenyingMost",
  );
});

test("a key made up for every request, and room for half a minute of them", async () => {
  let made = 0;
  const key = () => `made-up-${made++}`;
  await expectFired(
    { ...quiet, make: (world) => limited(world, { limitPerMinute: 80, keysMax: 60, key }) },
    "RateLimiterKeysExhausted",
    "RateLimiterKeysNearMax",
  );
});

// A client that does not connect, and does not say why.
const silence = {
  isCluster: false,
  status: "connecting",
  duplicate: () => silence,
  on: () => silence,
  disconnect: () => {},
};

function withoutStore({ clock, registry }: World, onStoreFailure: OnStoreFailure): Policy[] {
  const store = new RedisStore(silence as never, { clock });
  const rule = fixedWindow({ limit: 600, windowMs: 60_000 });
  const limiter = new RedisRateLimiter(rule, { name: "fleet", store, onStoreFailure, clock });
  registerRateLimiters(registry, [limiter]);
  registerRedisStores(registry, { redis: store });
  return [admission({ take: () => limiter.take("ada") })];
}

test.for([
  ["lets through", "open", "RateLimiterNotLimiting"],
  ["denies", "closed", "RateLimiterDenyingBlindly"],
] as const)("a silent store, and a policy that %s", async ([, policy, alert]) => {
  await expectFired(
    { ...quiet, make: (world) => withoutStore(world, policy) },
    "RateLimiterStoreFailing",
    alert,
  );
});

test("a silent store, and a share for each process: nobody is woken", async () => {
  await expectFired(
    { ...quiet, make: (world) => withoutStore(world, { localShare: 0.25 }) },
    "RateLimiterStoreFailing",
  );
});
