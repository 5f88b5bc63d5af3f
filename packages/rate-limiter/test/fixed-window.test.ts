import { expect, test } from "vitest";
import { fixedWindow } from "../src/index.ts";
import { admitted, makeLimiter } from "./helpers.ts";

test("a key's window opens with its first request, not with the clock's", () => {
  const { limiter, clock } = makeLimiter(fixedWindow({ limit: 3, windowMs: 1_000 }));
  clock.advance(900);
  expect(admitted(limiter)).toBe(3);
  clock.advance(999);
  expect(admitted(limiter)).toBe(0);
  clock.advance(1);
  expect(admitted(limiter)).toBe(3);
});

test("its weakness: twice the limit within a moment, at the seam of two windows", () => {
  const { limiter, clock } = makeLimiter(fixedWindow({ limit: 3, windowMs: 1_000 }));
  limiter.take();
  clock.advance(999);
  expect(admitted(limiter)).toBe(2);
  clock.advance(1);
  expect(admitted(limiter)).toBe(3);
});

test("a reservation that does not fit opens the next window, and leaves the rest of this unused", () => {
  const rule = fixedWindow({ limit: 3, windowMs: 1_000, reserveMsMax: 1_000 });
  const { limiter, clock } = makeLimiter(rule);
  limiter.take(undefined, 2);
  expect(limiter.reserve(undefined, 2)).toMatchObject({ allowed: true, waitMs: 1_000 });
  expect(limiter.take()).toMatchObject({ allowed: false, remaining: 0 });
  clock.advance(1_000);
  expect(admitted(limiter)).toBe(1);
});
