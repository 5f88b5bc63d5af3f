// What histories do not see: idempotency keys, the bound on keys, limiters decided together,
// misuse, very long runs. Each trap is a short program on the package it is given; it throws where
// the package falls into it.
import assert from "node:assert/strict";
import { makeClock, type Subject } from "./subject.ts";

export const traps: readonly ((subject: Subject) => void)[] = [
  function aMillionSteps({ RateLimiter, tokenBucket, gcra }) {
    // 3 per second is not 2.9999 after a million seconds, nor 3.0001.
    for (const rule of [tokenBucket, gcra]) {
      const clock = makeClock();
      const limiter = new RateLimiter(rule({ limit: 3, windowMs: 1_000 }), { clock });
      let admitted = 0;
      for (let second = 0; second < 10_000; second++) {
        clock.us = second * 1_000_000;
        for (let i = 0; i < 4; i++) if (limiter.take().allowed) admitted++;
      }
      assert.equal(admitted, 30_000);
    }
  },

  function idempotency({ RateLimiter, tokenBucket }) {
    const clock = makeClock();
    const options = { clock, idempotencyMs: 1_000 };
    const limiter = new RateLimiter(tokenBucket({ limit: 9, windowMs: 1e9 }), options);
    const take = (key: string, idempotencyKey: string) => limiter.take(key, 1, { idempotencyKey });
    take("a", "1");
    take("a", "1");
    assert.equal(limiter.peek("a").remaining, 8);
    take("b", "1");
    assert.equal(limiter.peek("b").remaining, 8);
    // Two keys are not one that looks like both.
    take("a", "bc");
    take("ab", "c");
    assert.equal(limiter.peek("ab").remaining, 8);
    clock.us = 999_999;
    take("a", "bc");
    assert.equal(limiter.peek("a").remaining, 7);
    clock.us = 1_000_000;
    take("a", "bc");
    assert.equal(limiter.peek("a").remaining, 6);
  },

  function idempotencyOfADenial({ RateLimiter, tokenBucket }) {
    const limiter = new RateLimiter(tokenBucket({ limit: 2, windowMs: 1e9 }));
    limiter.take("a", 2);
    assert.equal(limiter.take("a", 1, { idempotencyKey: "1" }).allowed, false);
    limiter.refund("a", 2);
    assert.equal(limiter.take("a", 1, { idempotencyKey: "1" }).allowed, true);
  },

  function setBackBeforeReservations({ RateLimiter, tokenBucket, fixedWindow }) {
    for (const rule of [tokenBucket, fixedWindow]) {
      const clock = makeClock();
      const options = { limit: 1, windowMs: 1_000, reserveMsMax: 300 };
      const limiter = new RateLimiter(rule(options), { clock });
      limiter.take("a");
      clock.us = 999_000;
      assert.equal(limiter.reserve("a", 1, 100).allowed, true);
      clock.us = 0;
      assert.ok(limiter.take("a").retryAfterMs <= 1_300);
    }
  },

  function setBackToTheEndOfAPart({ RateLimiter, conservativeSlidingCounter }) {
    const clock = makeClock();
    const rule = conservativeSlidingCounter({ limit: 1, windowMs: 1, parts: 1 });
    const limiter = new RateLimiter(rule, { clock });
    clock.us = 100_999;
    limiter.take("a");
    clock.us = 101_000;
    limiter.take("a");
    clock.us = 50_999;
    limiter.take("a");
    // 2 µs have passed since it was let through, of the window's 1,000.
    clock.us = 51_000;
    assert.equal(limiter.take("a").allowed, false);
  },

  function cancelledInACrowd({ RateLimiter, conservativeSlidingCounter, slidingWindowCounter }) {
    const options = { limit: 10, windowMs: 1_000, reserveMsMax: 1_000 };
    for (const rule of [
      conservativeSlidingCounter({ ...options, parts: 2 }),
      slidingWindowCounter(options),
    ]) {
      const clock = makeClock();
      const limiter = new RateLimiter(rule, { clock });
      limiter.take("a", 10);
      clock.us = 900_000;
      const reservation = limiter.reserve("a", 1);
      assert.ok(reservation.allowed);
      reservation.cancel();
      for (const stranger of ["b", "c", "d"]) limiter.take(stranger);
      assert.equal(limiter.take("a", 10).allowed, false);
    }
  },

  function remainingOfAHugeLimit({ RateLimiter, slidingWindowCounter }) {
    const clock = makeClock();
    const limit = 2 ** 52 - 1;
    const limiter = new RateLimiter(slidingWindowCounter({ limit, windowMs: 86_400_000 }), {
      clock,
    });
    limiter.take("a", limit - 12_345);
    for (let i = 0; i < 2_000; i++) {
      clock.us = 86_400_000_000 + i * 37_000_003;
      const { remaining } = limiter.peek("a");
      if (remaining > 0) assert.equal(limiter.peek("a", remaining).allowed, true);
      assert.equal(limiter.peek("a", remaining + 1).allowed, false);
    }
  },

  function aTokenThatHasNearlyDropped({ RateLimiter, tokenBucket, gcra }) {
    // The k-th token drops in 1 / limit of a µs after this µs: k × window = us × limit + 1. As
    // doubles, the quotient that says how many have dropped is k.
    const [limit, windowUs] = [1_000_003n, 3_600_000_000n];
    let inverse = 1n;
    for (let power = limit - 2n, base = windowUs % limit; power > 0n; power >>= 1n) {
      if (power & 1n) inverse = (inverse * base) % limit;
      base = (base * base) % limit;
    }
    const k = inverse + 8_000n * limit;
    const atUs = Number((k * windowUs - 1n) / limit);
    for (const rule of [tokenBucket, gcra]) {
      const clock = makeClock();
      const options = { limit: Number(limit), windowMs: 3_600_000, burst: 9_000_000_000 };
      const limiter = new RateLimiter(rule(options), { clock });
      limiter.take("a", 9_000_000_000);
      clock.us = atUs;
      assert.equal(limiter.peek("a").remaining, Number(k) - 1);
      clock.us = atUs + 1;
      assert.equal(limiter.peek("a").remaining, Number(k));
    }
  },

  function theLargestLimit({ tokenBucket, gcra }) {
    // 1,000,003 is prime: a µs is divided into so many parts.
    const burst = Math.floor(Number.MAX_SAFE_INTEGER / 1_000_003) - 1;
    for (const rule of [tokenBucket, gcra]) {
      const options = { limit: 1_000_003, windowMs: 1_000 };
      rule({ ...options, burst });
      assert.throws(() => rule({ ...options, burst: burst + 1 }), /2\^53/);
    }
  },

  function keysMax({ RateLimiter, fixedWindow }) {
    const clock = makeClock();
    const rule = fixedWindow({ limit: 2, windowMs: 1_000 });
    const limiter = new RateLimiter(rule, { clock, keysMax: 3 });
    for (const key of ["a", "b", "c"]) limiter.take(key);
    const refused = limiter.take("d");
    assert.deepEqual([refused.outcome, refused.allowed], ["keys-max", false]);
    assert.equal(limiter.stats().decisions["keys-max"], 1);
    assert.equal(limiter.take("a").remaining, 0);
    assert.equal(limiter.take("a").allowed, false);
    clock.us = 1_000_000;
    assert.equal(limiter.take("d").outcome, "allowed");
    assert.ok(limiter.stats().keys <= 3);
    const open = new RateLimiter(rule, { clock, keysMax: 1, onKeysMax: "allow" });
    open.take("a");
    const passed = open.take("b");
    assert.deepEqual([passed.outcome, passed.allowed], ["keys-max", true]);
  },

  function together({ RateLimiter, fixedWindow }) {
    const clock = makeClock();
    const make = (limit: number, keysMax = 100) =>
      new RateLimiter(fixedWindow({ limit, windowMs: 1_000 }), { clock, keysMax });
    const [users, service] = [make(5), make(3)];
    const ask = (cost: number) =>
      RateLimiter.takeTogether([
        { limiter: users, key: "a", cost },
        { limiter: service, cost },
      ]);
    assert.equal(ask(4).allowed, false);
    assert.deepEqual([users.peek("a").remaining, service.peek().remaining], [5, 3]);
    assert.equal(ask(2).allowed, true);
    assert.deepEqual([users.peek("a").remaining, service.peek().remaining], [3, 1]);
    assert.throws(() =>
      RateLimiter.takeTogether([
        { limiter: users, key: "a" },
        { limiter: users, key: "a" },
      ]),
    );
    // Room for one key: the second part must not take the row of the first.
    const narrow = make(5, 1);
    const decision = RateLimiter.takeTogether([
      { limiter: narrow, key: "x", cost: 5 },
      { limiter: narrow, key: "y", cost: 1 },
    ]);
    assert.equal(decision.outcome, "keys-max");
    assert.equal(narrow.take("x", 5).allowed, true);
  },

  function leases({ RateLimiter, concurrencyLimit }) {
    const clock = makeClock();
    const limiter = new RateLimiter(concurrencyLimit({ limit: 2, leaseMs: 10 }), { clock });
    const { lease } = limiter.take("a");
    limiter.take("b");
    assert.equal(limiter.release("b", lease), false);
    assert.equal(limiter.release("a", lease), true);
    const { lease: next } = limiter.take("a");
    assert.equal(limiter.release("a", lease), false);
    clock.us = 10_000;
    assert.equal(limiter.release("a", next), false);
  },

  function plans({ RateLimiter, slidingWindowLog, gcra }) {
    const clock = makeClock();
    const small = gcra({ limit: 2, windowMs: 1_000 });
    const large = gcra({ limit: 100, windowMs: 1_000 });
    const limiter = new RateLimiter(small, { clock });
    limiter.take("a", 90, { rules: large });
    assert.equal(limiter.peek("a").remaining, 0);
    // The look has not made 90 into 2.
    assert.equal(limiter.peek("a", 1, { rules: large }).remaining, 10);
    assert.throws(() => limiter.setRules(slidingWindowLog({ limit: 1, windowMs: 1 })), TypeError);
  },

  function misuse({ RateLimiter, tokenBucket }) {
    const limiter = new RateLimiter(tokenBucket({ limit: 5, windowMs: 1_000 }));
    for (const key of ["", "x".repeat(1025), "\ud800", null]) {
      assert.throws(() => limiter.take(key as string), /^(Range|Type)Error: key must/);
    }
    for (const cost of [0, -1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
      assert.throws(() => limiter.take("a", cost), /^RangeError: cost must/);
    }
    assert.equal(limiter.stats().keys, 0);
    assert.throws(() => tokenBucket({ limit: 2 ** 40 + 1, windowMs: 1_000 }), /2\^53/);
    assert.throws(
      () => tokenBucket({ limit: 1, windowMs: 86_400_000, burst: 40_000 }),
      /100 years/,
    );
  },
];
