import { expect, test } from "vitest";
import { leakyBucketQueue } from "../src/index.ts";
import { makeLimiter } from "./helpers.ts";

test("comes in bursts, leaves evenly spaced", () => {
  const { limiter, clock } = makeLimiter(leakyBucketQueue({ limit: 4, windowMs: 1_000, queue: 3 }));
  const turns: number[] = [];
  for (const ms of [0, 0, 0, 100, 100, 900, 2_000]) {
    clock.advance(ms - clock.now());
    const { allowed, delayMs } = limiter.take();
    if (allowed) turns.push(ms + delayMs);
  }
  expect(turns).toEqual([0, 250, 500, 750, 1_000, 2_000]);
});

test("refuses who would have to wait for more turns than the queue has", () => {
  const { limiter, clock } = makeLimiter(
    leakyBucketQueue({ limit: 10, windowMs: 1_000, queue: 2 }),
  );
  const delays = Array.from({ length: 3 }, () => limiter.take().delayMs);
  expect(delays).toEqual([0, 100, 200]);
  expect(limiter.take()).toMatchObject({ allowed: false, retryAfterMs: 100, delayMs: 0 });
  clock.advance(100);
  expect(limiter.take()).toMatchObject({ allowed: true, delayMs: 200 });
});

test("without a queue nobody waits: one each interval, or none", () => {
  const { limiter, clock } = makeLimiter(
    leakyBucketQueue({ limit: 10, windowMs: 1_000, queue: 0 }),
  );
  expect(limiter.take()).toMatchObject({ allowed: true, delayMs: 0 });
  expect(limiter.take()).toMatchObject({ allowed: false, retryAfterMs: 100 });
  clock.advance(100);
  expect(limiter.take()).toMatchObject({ allowed: true, delayMs: 0 });
});
