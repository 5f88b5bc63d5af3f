import { expect, test } from "vitest";
import { slidingWindowLog } from "../src/index.ts";
import { makeLimiter } from "./helpers.ts";

test("the window is half-open: a request leaves it when it is exactly a window old", () => {
  const { limiter, clock } = makeLimiter(slidingWindowLog({ limit: 2, windowMs: 1_000 }));
  limiter.take();
  clock.advance(300);
  limiter.take();
  expect(limiter.take()).toMatchObject({ allowed: false, retryAfterMs: 700 });
  clock.advance(699.999);
  expect(limiter.take().allowed).toBe(false);
  clock.advance(0.001);
  expect(limiter.take().allowed).toBe(true);
});

test("admits exactly when the definition allows, so it cannot be denied what it has room for", () => {
  const { limiter, clock } = makeLimiter(slidingWindowLog({ limit: 5, windowMs: 100 }));
  const taken: number[] = [];
  for (let ms = 0; ms < 2_000; ms += 7) {
    const inWindow = taken.filter((at) => at > ms - 100).length;
    expect(limiter.take().allowed).toBe(inWindow < 5);
    if (inWindow < 5) taken.push(ms);
    clock.advance(7);
  }
});

test("requests of one microsecond share an entry, and a refund takes from the newest", () => {
  const { limiter, clock } = makeLimiter(slidingWindowLog({ limit: 4, windowMs: 1_000 }));
  limiter.take();
  limiter.take();
  clock.advance(500);
  limiter.take();
  limiter.refund(undefined, 2);
  // What is left is one of the first two.
  expect(limiter.take()).toMatchObject({ remaining: 2, resetMs: 1_000 });
  clock.advance(500);
  expect(limiter.peek().remaining).toBe(3);
});
