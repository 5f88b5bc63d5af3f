// Slow calls: "once it has been in flight for longer than this, settled or not".

import type { CircuitBreakerOptions, Permit } from "@compendium/circuit-breaker";
import { describe, expect, test, vi } from "vitest";
import { callAll, deferred, makeBreaker, succeed } from "./helpers.ts";

function acquire(options: CircuitBreakerOptions, count: number) {
  const made = makeBreaker(options);
  const permits = Array.from({ length: count }, () => made.breaker.acquire() as Permit);
  return { ...made, permits: permits as [Permit, ...Permit[]] };
}

const options = { slowAfterMs: 100, slowRateThreshold: 0.5, minimumCalls: 2 };

describe("a slow call", () => {
  test("is one that took longer than slowAfterMs, and not one that took as long", () => {
    const { breaker, clock, permits } = acquire(options, 2);
    clock.advance(100);
    permits[0].succeed();
    expect(breaker.stats()).toMatchObject({ counts: { slow: 0 }, windowCalls: 1 });
    clock.advance(0.1);
    permits[1]?.succeed();
    expect(breaker.stats().counts.slow).toBe(1);
    expect(breaker.state).toBe("open");
  });

  test("counts while it is still in flight: hanging calls trip the breaker", async () => {
    const { breaker, clock } = makeBreaker(options);
    const never = new Promise(() => {});
    for (let i = 0; i < 3; i++) breaker.call(() => never);
    clock.advance(101);
    expect(await breaker.call(succeed).catch((error) => error.code)).toBe("CIRCUIT_OPEN");
    expect(breaker.stats()).toMatchObject({ inFlight: 3, counts: { slow: 2 } });
  });

  test("that fails in the end is a failure as well, and still one call", () => {
    const { breaker, clock, permits } = acquire({ ...options, minimumCalls: 3 }, 1);
    clock.advance(101);
    breaker.acquire();
    expect(breaker.stats()).toMatchObject({ windowCalls: 1, slowRate: 1, failureRate: 0 });
    permits[0].fail();
    expect(breaker.stats()).toMatchObject({ windowCalls: 1, slowRate: 1, failureRate: 1 });
    expect(breaker.stats().counts).toMatchObject({ slow: 1, failure: 1 });
  });

  test("counts as slow even if its caller gives up before anybody looks", () => {
    const { breaker, clock, permits } = acquire(options, 1);
    clock.advance(101);
    permits[0].cancel();
    expect(breaker.stats()).toMatchObject({ windowCalls: 1, slowRate: 1 });
    expect(breaker.stats().counts).toMatchObject({ cancelled: 1, slow: 1 });
  });

  test("that hung before a time window forgot it marks nothing when it fails", () => {
    const window = { kind: "time", durationMs: 200, buckets: 2 } as const;
    const { breaker, clock, permits } = acquire({ ...options, window, minimumCalls: 1 }, 1);
    breaker.forceClosed();
    const permit = breaker.acquire() as Permit;
    clock.advance(101);
    breaker.acquire();
    clock.advance(1_000);
    permit.fail();
    // The other call is overdue by now, and is all the window holds.
    expect(breaker.stats()).toMatchObject({ windowCalls: 1, failureRate: 0, slowRate: 1 });
    permits[0].fail();
    expect(breaker.stats().counts.late).toBe(1);
  });

  test("is judged by isSlow once it has settled, where that is given", async () => {
    const isSlow = vi.fn((durationMs: number) => durationMs > 10);
    const { breaker, clock } = makeBreaker({ isSlow, minimumCalls: 1 });
    const { promise, resolve } = deferred();
    const call = breaker.call(() => promise);
    clock.advance(11);
    expect(breaker.acquire().admitted).toBe(true);
    resolve("late");
    await call;
    expect(isSlow.mock.calls).toEqual([[11, { status: "fulfilled", value: "late" }]]);
    expect(breaker.state).toBe("open");
  });

  test("whose isSlow throws counts as it ended, and its place is given back", async () => {
    const isSlow = () => {
      throw new Error("predicate");
    };
    const { breaker } = makeBreaker({ isSlow });
    await expect(breaker.call(succeed)).rejects.toThrow("predicate");
    expect(breaker.stats()).toMatchObject({ inFlight: 0, counts: { success: 1, slow: 0 } });
  });

  test("among the probes opens the breaker again", async () => {
    const { breaker, clock } = makeBreaker({
      ...options,
      halfOpenCalls: 2,
      consecutiveFailures: 1,
    });
    await callAll(breaker, "-");
    clock.advance(30_000);
    breaker.acquire();
    clock.advance(101);
    expect(breaker.acquire()).toMatchObject({ code: "CIRCUIT_OPEN" });
  });
});

describe("a permit", () => {
  test("is settled once: what comes later is ignored, and its place given back once", () => {
    const { breaker, permits } = acquire({}, 2);
    const [permit] = permits;
    permit.succeed();
    permit.fail();
    permit.cancel();
    permit[Symbol.dispose]();
    expect(breaker.stats()).toMatchObject({ inFlight: 1, failureRate: 0, windowCalls: 1 });
    expect(breaker.stats().counts).toMatchObject({ success: 1, failure: 0, cancelled: 0 });
  });

  test("that leaves its block unsettled is cancelled", () => {
    const { breaker } = makeBreaker();
    for (const settled of [true, false]) {
      using permit = breaker.acquire() as Permit;
      if (settled) permit.succeed();
    }
    expect(breaker.stats()).toMatchObject({ inFlight: 0, counts: { success: 1, cancelled: 1 } });
  });

  test("refused is a value that says why, and for how long", () => {
    const { breaker } = makeBreaker();
    breaker.forceOpen();
    const refusal = { admitted: false, code: "CIRCUIT_FORCED_OPEN", retryAfterMs: undefined };
    expect(breaker.acquire()).toEqual(refusal);
  });
});
