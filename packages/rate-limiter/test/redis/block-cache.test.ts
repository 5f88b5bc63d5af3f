// What is remembered of a refusal, in place of asking: never for longer than the server would
// refuse, never for less than was refused, and never for more keys than it may be. The server's
// clock is the test's, and so is the process's.
import { requireOrSkip } from "@compendium/metrics/testing";
import { ManualClock } from "@compendium/runtime";
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as subject from "../../src/index.ts";
import { RedisRateLimiter, type RedisStore } from "../../src/redis.ts";
import { ALGORITHMS, makeRule } from "../support/rules.ts";
import { Lane, laneStore } from "./lane.ts";
import { redisServer, type Server, startServer } from "./server.ts";
import { makeTimedScript } from "./timed-script.ts";

const LIMIT = 5;
const BEGIN_US = 1_700_000_000_000_000;
let server: Server | undefined;
let lane: Lane;
let store: RedisStore;
let limiters = 0;

beforeAll(async () => {
  if (!redisServer.present) return;
  server = await startServer();
  lane = new Lane(server.client());
  store = laneStore(lane, makeTimedScript());
});

beforeEach((context) => requireOrSkip(context, redisServer));

afterAll(() => server?.[Symbol.asyncDispose]());

/** Two limiters of one limit: one remembers refusals, the other always asks. */
function makePair(algorithm: (typeof ALGORITHMS)[number], blockCacheKeysMax = 10) {
  const spec = { limit: LIMIT, windowMs: 1000, reserveMsMax: 0, burst: LIMIT, parts: 4 };
  const rule = makeRule(subject, { ...spec, algorithm, name: algorithm });
  const clock = new ManualClock();
  const name = `block-${limiters++}`;
  const remembering = new RedisRateLimiter(rule, { store, name, clock, blockCacheKeysMax });
  const asking = new RedisRateLimiter(rule, { store, name });
  const advance = (us: number) => {
    clock.advance(us / 1000);
    lane.nowUs += us;
  };
  lane.nowUs = BEGIN_US;
  return { remembering, asking, advance };
}

describe.each(ALGORITHMS)("%s", (algorithm) => {
  test("whoever is blocked would be refused by the server as well", async () => {
    const steps = fc.array(fc.tuple(fc.nat(400_000), fc.integer({ min: 1, max: LIMIT + 1 })), {
      minLength: 30,
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const { remembering, asking, advance } = makePair(algorithm);
        for (const [us, cost] of history) {
          advance(us);
          const server = await asking.peek("ann", cost);
          const said = await remembering.take("ann", cost);
          expect(said.allowed).toBe(server.allowed);
          // Nor is anybody told to stay away for longer; shorter, if others have taken meanwhile.
          if (said.outcome !== "blocked") continue;
          expect(said.retryAfterMs).toBeLessThanOrEqual(server.retryAfterMs + 1);
        }
      }),
      { numRuns: 20 },
    );
  });
});

test("a request that costs less than the one refused asks the server", async () => {
  const { remembering } = makePair("gcra");
  await remembering.take("ann", 3);
  expect((await remembering.take("ann", 4)).outcome).toBe("denied");
  expect((await remembering.take("ann", 4)).outcome).toBe("blocked");
  expect((await remembering.take("ann", 5)).outcome).toBe("blocked");
  expect((await remembering.take("ann", 2)).outcome).toBe("allowed");
});

test("refund, reset and other rules are not held up by what is remembered", async () => {
  const { remembering } = makePair("token-bucket");
  await remembering.take("ann", LIMIT);
  await remembering.take("ann");
  expect((await remembering.take("ann")).outcome).toBe("blocked");
  await remembering.refund("ann", 1);
  expect((await remembering.take("ann")).outcome).toBe("allowed");
  await remembering.take("ann");
  expect((await remembering.take("ann")).outcome).toBe("blocked");
  await remembering.reset("ann");
  expect((await remembering.take("ann")).outcome).toBe("allowed");
  await remembering.take("ann", LIMIT);
  const plan = subject.tokenBucket({ limit: 10, windowMs: 1000 });
  expect((await remembering.take("ann", LIMIT)).outcome).toBe("blocked");
  expect((await remembering.take("ann", LIMIT, { rules: plan })).outcome).toBe("allowed");
  remembering.setRules(plan);
  expect((await remembering.take("ann", 1)).outcome).not.toBe("blocked");
});

test("no more keys are remembered than may be, and the store is not asked about them", async () => {
  const { remembering } = makePair("fixed-window", 100);
  for (let i = 0; i < 1000; i++) {
    await remembering.take(`user-${i}`, LIMIT);
    await remembering.take(`user-${i}`);
    expect(remembering.stats().keysBlocked).toBeLessThanOrEqual(100);
  }
  expect(remembering.stats().keysBlocked).toBeGreaterThanOrEqual(50);
  const { calls } = store.stats();
  for (let i = 0; i < 50; i++) await remembering.take("user-999");
  expect(store.stats().calls).toBe(calls);
  expect(remembering.stats().decisions.blocked).toBe(50);
});
