import { expect, test } from "vitest";
import { slidingWindowCounter } from "../src/index.ts";
import { admitted, makeLimiter } from "./helpers.ts";

test("“42 * ((60-15)/60) + 18 = 49.5”: the worked example of Cloudflare's article", () => {
  const { limiter, clock } = makeLimiter(slidingWindowCounter({ limit: 50, windowMs: 60_000 }));
  limiter.take(undefined, 42);
  clock.advance(75_000);
  limiter.take(undefined, 18);
  // 49.5 of 50 requests; none fits into what is left.
  expect(limiter.peek()).toMatchObject({ allowed: false, remaining: 0 });
});

test("an adversary gets nearly twice the limit through within one window", () => {
  const { limiter, clock } = makeLimiter(slidingWindowCounter({ limit: 100, windowMs: 1_000 }));
  clock.advance(999);
  let inOneWindow = admitted(limiter);
  // All of it is thought to have come evenly, and fades while the adversary looks on.
  for (let ms = 0; ms < 998; ms++) {
    clock.advance(1);
    inOneWindow += admitted(limiter);
  }
  expect(inOneWindow).toBeGreaterThan(195);
  expect(inOneWindow).toBeLessThanOrEqual(200);
});

test("on even traffic it admits what it should", () => {
  const { limiter, clock } = makeLimiter(slidingWindowCounter({ limit: 100, windowMs: 1_000 }));
  let count = 0;
  for (let i = 0; i < 10_000; i++) {
    if (limiter.take().allowed) count++;
    clock.advance(5);
  }
  expect(count / 50).toBeCloseTo(100, -1);
});
