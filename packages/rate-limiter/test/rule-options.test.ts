// What a rule or a limiter refuses to be made of: a RangeError or TypeError names the option, its
// range and what was given.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  concurrencyLimit,
  conservativeSlidingCounter,
  fixedWindow,
  gcra,
  leakyBucketQueue,
  RateLimiter,
  slidingWindowCounter,
  slidingWindowLog,
  tokenBucket,
} from "../src/index.ts";
import { TEN_YEARS_MS } from "./support/rules.ts";

const good = { limit: 10, windowMs: 1_000 };
const makers = {
  tokenBucket,
  gcra,
  fixedWindow,
  slidingWindowLog,
  slidingWindowCounter,
  conservativeSlidingCounter,
  leakyBucketQueue,
} as const;

const noWhole = fc.oneof(
  fc.constantFrom(0, -1, Number.NaN, Infinity, -Infinity, 2 ** 53, 1e300, null, "1", "", true, 1n),
  fc.constantFrom({}, [], [5], Object.create(null), Symbol("5"), () => 5),
  fc.double({ noInteger: true }),
  fc.integer({ max: 0 }),
  fc.string(),
);

function make(name: keyof typeof makers, options: object): unknown {
  return makers[name]({ ...good, ...options } as never);
}

test.each(Object.keys(makers) as (keyof typeof makers)[])(
  "%s refuses what is no limit or window",
  (name) => {
    fc.assert(
      fc.property(fc.constantFrom("limit", "windowMs"), noWhole, (field, value) => {
        expect(() => make(name, { [field]: value })).toThrow(
          new RegExp(`^${field} must be a whole number from 1 to \\d+, got `),
        );
      }),
    );
    expect(() => make(name, { windowMs: TEN_YEARS_MS + 1 })).toThrow("windowMs must be");
    expect(() => make(name, { limit: 2 ** 52 + 1 })).toThrow("limit must be");
    for (const wrong of ["", "two words", "a\nb", "x".repeat(65), "ü", null, 5]) {
      expect(() => make(name, { name: wrong })).toThrow(/^name must be 1 to 64 ASCII/);
    }
  },
);

test("each refuses its own options out of range", () => {
  const refused: [keyof typeof makers, object, RegExp][] = [
    ["tokenBucket", { burst: 0 }, /^burst must/],
    ["gcra", { burst: 0.5 }, /^burst must/],
    ["leakyBucketQueue", { queue: -1 }, /^queue must be a whole number from 0/],
    [
      "conservativeSlidingCounter",
      { parts: 1_001 },
      /^parts must be a whole number from 1 to 1000/,
    ],
    ["fixedWindow", { reserveMsMax: 1_001 }, /^reserveMsMax must be a whole number from 0 to 1000/],
    ["gcra", { reserveMsMax: -1 }, /^reserveMsMax must/],
  ];
  for (const [name, options, message] of refused) {
    expect(() => make(name, options)).toThrow(message);
  }
  expect(() => concurrencyLimit({ limit: 1, leaseMs: 0 })).toThrow(/^leaseMs must/);
  expect(() => concurrencyLimit({ limit: 0, leaseMs: 1 })).toThrow(/^limit must/);
});

test("only limit × burst beyond 2^53 is refused, and only if the fraction does not cancel out", () => {
  // 10^10 bytes a day: 8 16/25 µs a byte.
  expect(tokenBucket({ limit: 1e10, windowMs: 86_400_000 }).capacity).toBe(1e10);
  expect(() => gcra({ limit: 1e10 + 19, windowMs: 86_400_000 })).toThrow("below 2^53");
  expect(() => leakyBucketQueue({ limit: 1e10 + 19, windowMs: 86_400_000 })).toThrow("below 2^53");
  expect(slidingWindowLog({ limit: 2 ** 52, windowMs: TEN_YEARS_MS }).limit).toBe(2 ** 52);
});

test("from 1 ms to ten years", () => {
  for (const windowMs of [1, TEN_YEARS_MS]) {
    const limiter = new RateLimiter(gcra({ limit: 3, windowMs }));
    expect(limiter.take(undefined, 3).allowed).toBe(true);
    expect(limiter.take(undefined, 3).retryAfterMs).toBeLessThanOrEqual(windowMs);
  }
});

test("a limiter refuses options out of range", () => {
  const limiter = (options: object) => new RateLimiter(fixedWindow(good), options as never);
  for (const keysMax of [0, 2 ** 24, 1.5, Number.NaN, null, "5"]) {
    expect(() => limiter({ keysMax })).toThrow(/^keysMax must/);
  }
  expect(() => limiter({ onKeysMax: "drop" })).toThrow(/^onKeysMax must be "deny" or "allow"/);
  expect(() => limiter({ idempotencyMs: 0 })).toThrow(/^idempotencyMs must/);
  expect(() => limiter({ idempotencyKeysMax: 0 })).toThrow(/^idempotencyKeysMax must/);
  for (const rules of [undefined, null, 5, "rule", {}, [], [undefined], [good]]) {
    expect(() => new RateLimiter(rules as never)).toThrow(/rule/);
  }
  expect(() => new RateLimiter([fixedWindow(good), fixedWindow(good)])).toThrow("have the name");
});

test("takes hostile text as a key or refuses it, and is as it was", () => {
  const limiter = new RateLimiter(tokenBucket({ limit: 5, windowMs: 60_000 }));
  const texts = fc.string({ unit: "binary", maxLength: 1_100, size: "max" });
  fc.assert(
    fc.property(fc.oneof(texts, noWhole as fc.Arbitrary<unknown>), (key) => {
      const before = limiter.stats();
      const isKey = typeof key === "string" && key.length >= 1 && key.length <= 1_024;
      if (isKey && key.isWellFormed()) return limiter.take(key, 6).outcome === "too-costly";
      expect(() => limiter.take(key as string)).toThrow(/^key must/);
      expect(limiter.stats()).toEqual(before);
      return true;
    }),
  );
});
