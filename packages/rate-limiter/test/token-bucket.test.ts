import { expect, test } from "vitest";
import { gcra, tokenBucket } from "../src/index.ts";
import { admitted, makeLimiter } from "./helpers.ts";

test("Turner: “incremented whenever the user sends a packet and […] decremented periodically”", () => {
  const { limiter, clock } = makeLimiter(tokenBucket({ limit: 2, windowMs: 1_000, burst: 5 }));
  expect(admitted(limiter)).toBe(5);
  clock.advance(499);
  expect(admitted(limiter)).toBe(0);
  clock.advance(1);
  expect(admitted(limiter)).toBe(1);
  clock.advance(60_000);
  expect(admitted(limiter)).toBe(5);
});

test("a look does not restart the interval in which a token drops", () => {
  const { limiter, clock } = makeLimiter(tokenBucket({ limit: 1, windowMs: 1_000 }));
  limiter.take();
  for (let i = 0; i < 9; i++) {
    clock.advance(100);
    expect(limiter.take().allowed).toBe(false);
  }
  clock.advance(100);
  expect(limiter.take().allowed).toBe(true);
});

// A million steps: `npm run simulate` has the histories, this one is the long run.
test.each([
  ["token bucket", tokenBucket],
  ["GCRA", gcra],
])("%s: 3 per second are 3,000,000 in a million seconds, and the burst", (_, rule) => {
  const { limiter, clock } = makeLimiter(rule({ limit: 3, windowMs: 1_000, burst: 7 }));
  let count = admitted(limiter);
  for (let second = 0; second < 1_000_000; second++) {
    clock.advance(1_000);
    for (let i = 0; i < 3; i++) if (limiter.take().allowed) count++;
  }
  expect(count).toBe(3_000_007);
  expect(limiter.take().allowed).toBe(false);
});

test("a third of a µs is not lost: 7 per second is a token every 142,857⅐ µs", () => {
  const { limiter, clock } = makeLimiter(tokenBucket({ limit: 7, windowMs: 1_000, burst: 1 }));
  limiter.take();
  const waits = Array.from({ length: 7 }, () => {
    const { retryAfterMs } = limiter.take();
    clock.advance(retryAfterMs);
    expect(limiter.take().allowed).toBe(true);
    return retryAfterMs;
  });
  expect(waits).toEqual([143, 143, 143, 143, 143, 143, 143]);
});

test("a reservation is a debt: who comes later waits for it as well", () => {
  const { limiter } = makeLimiter(tokenBucket({ limit: 1, windowMs: 1_000, reserveMsMax: 1_000 }));
  limiter.take();
  expect(limiter.reserve()).toMatchObject({ allowed: true, waitMs: 1_000 });
  expect(limiter.take()).toMatchObject({ allowed: false, retryAfterMs: 2_000 });
  expect(limiter.reserve()).toEqual({ allowed: false, retryAfterMs: 1_000 });
});
