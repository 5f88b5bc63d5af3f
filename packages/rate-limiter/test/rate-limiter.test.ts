import { ManualClock } from "@compendium/runtime";
import { expect, test } from "vitest";
import {
  concurrencyLimit,
  fixedWindow,
  gcra,
  leakyBucketQueue,
  RateLimiter,
  slidingWindowLog,
  tokenBucket,
} from "../src/index.ts";
import { makeLimiter } from "./helpers.ts";

test("counts each decision under its outcome, and nothing for a look", () => {
  const { limiter } = makeLimiter(fixedWindow({ limit: 2, windowMs: 1_000 }), { name: "api" });
  limiter.take("a");
  limiter.take("a", 2);
  limiter.take("a", 3);
  limiter.peek("a");
  expect(limiter.stats()).toMatchObject({
    name: "api",
    decisions: { allowed: 1, denied: 1, "too-costly": 1, "keys-max": 0 },
    keys: 1,
  });
});

test("a million keys that come once never take more than a few rows", () => {
  const { limiter, clock } = makeLimiter(gcra({ limit: 10, windowMs: 1_000 }));
  for (let i = 0; i < 100_000; i++) {
    limiter.take(`visitor ${i}`);
    if (i % 10 === 0) clock.advance(1);
  }
  // A hundred ms until a visitor's limit is full again, ten visitors a ms, and the hand's way
  // round.
  expect(limiter.stats().keys).toBeLessThan(5_000);
  expect(limiter.stats().keysForgotten).toBeGreaterThan(95_000);
});

test("at keysMax, who is known is served and who is new is told so, until a key is full again", () => {
  const rule = slidingWindowLog({ limit: 2, windowMs: 1_000 });
  const { limiter, clock } = makeLimiter(rule, { keysMax: 2 });
  limiter.take("a");
  clock.advance(500);
  limiter.take("b");
  expect(limiter.take("c")).toMatchObject({
    allowed: false,
    outcome: "keys-max",
    retryAfterMs: Infinity,
  });
  expect(limiter.reserve("c")).toEqual({ allowed: false, retryAfterMs: Infinity });
  expect(limiter.take("a")).toMatchObject({ allowed: true, remaining: 0 });
  clock.advance(1_000);
  expect(limiter.take("c").outcome).toBe("allowed");
  expect(limiter.stats()).toMatchObject({ keys: 2, keysForgotten: 1 });
});

test("acquire waits for its turn, and gives it back when it is aborted", async () => {
  const rule = tokenBucket({ limit: 1, windowMs: 1_000, reserveMsMax: 1_000 });
  const { limiter, clock } = makeLimiter(rule);
  expect(await limiter.acquire()).toMatchObject({ allowed: true, waitMs: 0 });
  const controller = new AbortController();
  const waiting = limiter.acquire(undefined, 1, { signal: controller.signal });
  expect(limiter.peek().retryAfterMs).toBe(2_000);
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  expect(limiter.peek().retryAfterMs).toBe(1_000);
  const next = limiter.acquire();
  clock.advance(1_000);
  expect(await next).toMatchObject({ allowed: true, waitMs: 1_000 });
  const aborted = limiter.acquire(undefined, 1, { signal: AbortSignal.abort(new Error("no")) });
  await expect(aborted).rejects.toThrow("no");
  expect(await limiter.acquire(undefined, 1, { waitMsMax: 10 })).toMatchObject({ allowed: false });
});

test("acquire waits in a leaky bucket's queue, in the order of arrival", async () => {
  const clock = new ManualClock();
  const rule = leakyBucketQueue({ limit: 10, windowMs: 1_000, queue: 5 });
  const limiter = new RateLimiter(rule, { clock });
  const turns: [number, number][] = [];
  const all = [0, 1, 2].map(async (i) => {
    await limiter.acquire();
    turns.push([i, clock.now()]);
  });
  await clock.advanceAsync(300);
  await Promise.all(all);
  expect(turns).toEqual([
    [0, 0],
    [1, 100],
    [2, 200],
  ]);
});

test("limiters decided together may be asked for several keys of one of them, each once", () => {
  const clock = new ManualClock();
  const users = new RateLimiter(tokenBucket({ limit: 2, windowMs: 1_000 }), { clock });
  const ask = (...keys: (string | undefined)[]) =>
    RateLimiter.takeTogether(
      keys.map((key) => ({ limiter: users, ...(key !== undefined && { key }) })),
    );
  expect(ask("a", "b", undefined)).toMatchObject({ allowed: true, remaining: 1 });
  expect(() => ask("a", "a")).toThrow("is asked twice");
  expect(() => ask(undefined, undefined)).toThrow("is asked twice");
  expect(() => ask()).toThrow("parts must not be empty");
  expect(() => ask("c", "")).toThrow("key must not be empty");
  // Not even the row of the part before.
  expect(users.stats().keys).toBe(3);
});

test("two concurrency limits cannot be told by one lease, and are refused", () => {
  const rules = [1, 2].map((limit) =>
    concurrencyLimit({ limit, leaseMs: 1_000, name: `limit-${limit}` }),
  );
  expect(() => new RateLimiter(rules)).toThrow("must not have two concurrency limits");
});

test("an idempotency key lasts for idempotencyMs, and no µs longer", () => {
  const rule = fixedWindow({ limit: 5, windowMs: 60_000 });
  const { limiter, clock } = makeLimiter(rule, { idempotencyMs: 1_000 });
  const options = { idempotencyKey: "f81d4fae" };
  limiter.take("a", 1, options);
  clock.advance(999.999);
  expect(limiter.take("a", 1, options).remaining).toBe(4);
  clock.advance(0.001);
  expect(limiter.take("a", 1, options).remaining).toBe(3);
});

test("a turn further away than delayMsMax is denied, and leaves the queue as it is", () => {
  const pace = leakyBucketQueue({ limit: 10, windowMs: 1_000, queue: 5 });
  const { limiter, clock } = makeLimiter(pace);
  const near = { delayMsMax: 150 };
  expect(limiter.take("a", 1, near).delayMs).toBe(0);
  expect(limiter.take("a", 1, near).delayMs).toBe(100);
  const denied = limiter.take("a", 1, near);
  expect(denied).toMatchObject({ allowed: false, outcome: "denied", retryAfterMs: 50, delayMs: 0 });
  clock.advance(49);
  expect(limiter.take("a", 1, near).allowed).toBe(false);
  clock.advance(1);
  expect(limiter.take("a", 1, near)).toMatchObject({ allowed: true, delayMs: 150 });
  expect(() => limiter.take("a", 1, { delayMsMax: -1 })).toThrow("delayMsMax must be");
});

test("of two rules with nothing left, the one that is full later binds", () => {
  const minute = fixedWindow({ limit: 2, windowMs: 60_000, name: "minute" });
  const day = fixedWindow({ limit: 2, windowMs: 86_400_000, name: "day" });
  const { limiter } = makeLimiter([minute, day]);
  expect(limiter.take("a", 2)).toMatchObject({ allowed: true, rule: day, resetMs: 86_400_000 });
});

test("a place that is reserved is released by its lease, or cancelled", () => {
  const { limiter } = makeLimiter(concurrencyLimit({ limit: 1, leaseMs: 60_000 }));
  const first = limiter.reserve("a");
  if (!first.allowed) throw new Error("refused");
  limiter.refund("a");
  expect(limiter.reserve("a").allowed).toBe(false);
  expect(limiter.release("a", first.lease)).toBe(true);
  const second = limiter.reserve("a");
  if (second.allowed) second.cancel();
  expect(limiter.peek("a").remaining).toBe(1);
});

test("limiters with two concurrency limits are not asked together", () => {
  const parts = ["db", "disk"].map((name) => ({
    limiter: new RateLimiter(concurrencyLimit({ limit: 1, leaseMs: 1_000 }), { name }),
  }));
  expect(() => RateLimiter.takeTogether(parts)).toThrow("only one part may have");
});
