import { expect, test } from "vitest";
import { conservativeSlidingCounter } from "../src/index.ts";
import { admitted, makeLimiter } from "./helpers.ts";

test("the oldest part counts whole for as long as any of it is in sight", () => {
  const rule = conservativeSlidingCounter({ limit: 4, windowMs: 1_000, parts: 10 });
  const { limiter, clock } = makeLimiter(rule);
  clock.advance(50);
  expect(admitted(limiter)).toBe(4);
  // Until 1,050 for the log; here until the whole part, 0 to 100, is out of sight.
  expect(limiter.take().retryAfterMs).toBe(1_050);
  clock.advance(1_049);
  expect(admitted(limiter)).toBe(0);
  clock.advance(1);
  expect(admitted(limiter)).toBe(4);
});

test("under constant pressure it admits limit × parts / (parts + 1) per window", () => {
  for (const parts of [1, 2, 10]) {
    const rule = conservativeSlidingCounter({ limit: 100, windowMs: 1_000, parts });
    const { limiter, clock } = makeLimiter(rule);
    let count = 0;
    for (let ms = 0; ms < 66_000; ms++) {
      count += admitted(limiter);
      clock.advance(1);
    }
    // 66 seconds are a whole number of rounds of parts + 1 parts.
    expect(count).toBe((66 * 100 * parts) / (parts + 1));
  }
});

test("a key's rule may not change its parts", () => {
  const rule = (parts: number) => conservativeSlidingCounter({ limit: 1, windowMs: 1_000, parts });
  const { limiter } = makeLimiter(rule(2));
  limiter.take("a");
  expect(() => limiter.take("a", 1, { rules: rule(3) })).toThrow("from 2 to 3");
});
