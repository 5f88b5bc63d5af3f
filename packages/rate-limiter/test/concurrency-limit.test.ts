import { expect, test } from "vitest";
import { concurrencyLimit, tokenBucket } from "../src/index.ts";
import { admitted, makeLimiter } from "./helpers.ts";

test("a server that slows down is sent less: in flight = rate × time in flight", () => {
  const { limiter, clock } = makeLimiter(concurrencyLimit({ limit: 10, leaseMs: 60_000 }));
  const served = (takesMs: number) => {
    const inFlight: { lease: number; untilMs: number }[] = [];
    let count = 0;
    for (const endMs = clock.now() + 10_000; clock.now() < endMs; clock.advance(10)) {
      while (inFlight[0] !== undefined && inFlight[0].untilMs <= clock.now()) {
        limiter.release(undefined, inFlight.shift()!.lease);
      }
      for (let it = limiter.take(); it.allowed; it = limiter.take()) {
        inFlight.push({ lease: it.lease, untilMs: clock.now() + takesMs });
        count++;
      }
    }
    for (const { lease } of inFlight) limiter.release(undefined, lease);
    return count;
  };
  expect(served(100)).toBe(1_000);
  expect(served(1_000)).toBe(100);
});

test("who crashes never releases: the place is free again when its lease has run out", () => {
  const { limiter, clock } = makeLimiter(concurrencyLimit({ limit: 2, leaseMs: 5_000 }));
  limiter.take();
  clock.advance(1_000);
  limiter.take();
  expect(limiter.take()).toMatchObject({ allowed: false, retryAfterMs: 4_000 });
  clock.advance(4_000);
  expect(admitted(limiter)).toBe(1);
});

test("leases are released in any order, each once", () => {
  const { limiter } = makeLimiter([
    concurrencyLimit({ limit: 3, leaseMs: 5_000 }),
    tokenBucket({ limit: 100, windowMs: 1_000 }),
  ]);
  const leases = Array.from({ length: 3 }, () => limiter.take("a").lease);
  expect(new Set(leases).size).toBe(3);
  expect([1, 0, 1, 2].map((i) => limiter.release("a", leases[i]!))).toEqual([
    true,
    true,
    false,
    true,
  ]);
  expect(admitted(limiter, "a", 3)).toBe(3);
  for (const lease of [0, -1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
    expect(limiter.release("a", lease)).toBe(false);
  }
});
