// The three states, after M. Nygard, "Release It!" (2nd ed. 2018), ch. 5, "Circuit Breaker": the
// first tests of each state paraphrase its rules. The windows and the half-open rule are
// resilience4j's.
import { CircuitBreaker, CircuitBreakerError, type Transition } from "@compendium/circuit-breaker";
import { describe, expect, test, vi } from "vitest";
import { callAll, deferred, down, fail, makeBreaker, succeed, tryCall } from "./helpers.ts";

describe("closed", () => {
  test("in the normal closed state, the circuit breaker executes as usual", async () => {
    const { breaker } = makeBreaker();
    expect(await breaker.call(succeed)).toBe("done");
    expect(breaker.state).toBe("closed");
  });

  test("if it fails, the circuit breaker makes a note of the failure", async () => {
    const { breaker } = makeBreaker();
    await expect(breaker.call(fail)).rejects.toBe(down);
    expect(breaker.stats()).toMatchObject({ failureRate: 1, failuresInARow: 1, windowCalls: 1 });
  });

  test("once the number of failures exceeds a threshold, the circuit breaker trips", async () => {
    const { breaker } = makeBreaker({ consecutiveFailures: 3 });
    await callAll(breaker, "--+--");
    expect(breaker.state).toBe("closed");
    await callAll(breaker, "-");
    expect(breaker.state).toBe("open");
  });

  test("trips at the failure rate exactly, and not one call below it", async () => {
    const below = makeBreaker({ failureRateThreshold: 0.5 }).breaker;
    await callAll(below, "+-+-+-+-++");
    expect(below.state).toBe("closed");
    await callAll(below, "-");
    expect(below.state).toBe("closed");
    await callAll(below, "-");
    expect(below.state).toBe("open");
  });

  test("55 failures of 100 reach a threshold of 0.55, although 0.55 × 100 is more", async () => {
    expect(0.55 * 100).toBeGreaterThan(55);
    const { breaker } = makeBreaker({ failureRateThreshold: 0.55, minimumCalls: 100 });
    await callAll(breaker, "+".repeat(45) + "-".repeat(54));
    expect(breaker.state).toBe("closed");
    await callAll(breaker, "-");
    expect(breaker.state).toBe("open");
  });

  test("judges no rate before the window holds minimumCalls", async () => {
    const { breaker } = makeBreaker({ minimumCalls: 5 });
    await callAll(breaker, "----");
    expect(breaker.state).toBe("closed");
    // Even a success may complete the minimum.
    await callAll(breaker, "+");
    expect(breaker.state).toBe("open");
  });

  test("forgets the oldest call of a full count window", async () => {
    const window = { kind: "count", calls: 4 } as const;
    const { breaker } = makeBreaker({ window, minimumCalls: 4, failureRateThreshold: 0.5 });
    await callAll(breaker, "+-+++-");
    expect(breaker.stats()).toMatchObject({ windowCalls: 4, failureRate: 0.25 });
    await callAll(breaker, "-");
    expect(breaker.state).toBe("open");
  });

  test("forgets the calls of a time window as time passes, though nobody calls", async () => {
    const window = { kind: "time", durationMs: 1_000, buckets: 10 } as const;
    const { breaker, clock } = makeBreaker({ window, minimumCalls: 3 });
    await callAll(breaker, "--");
    clock.advance(999);
    expect(breaker.stats()).toMatchObject({ windowCalls: 2, failureRate: 1 });
    clock.advance(1);
    expect(breaker.stats()).toMatchObject({ windowCalls: 0, failureRate: 0 });
    await callAll(breaker, "-");
    expect(breaker.state).toBe("closed");
  });
});

describe("open", () => {
  test("when open, calls fail immediately, without any attempt to execute", async () => {
    const { breaker } = makeBreaker({ name: "preview", consecutiveFailures: 1 });
    await callAll(breaker, "-");
    let ran = false;
    const refused = breaker.call(() => {
      ran = true;
    });
    const error = await refused.catch((reason) => reason);
    expect(error).toBeInstanceOf(CircuitBreakerError);
    expect(error).toMatchObject({ code: "CIRCUIT_OPEN", breaker: "preview", retryAfterMs: 30_000 });
    expect(error.name).toBe("CircuitBreakerError");
    expect(ran).toBe(false);
  });

  test("after a suitable amount of time, the circuit breaker goes into half-open", async () => {
    const { breaker, clock } = makeBreaker({ consecutiveFailures: 1, openForMs: 100 });
    await callAll(breaker, "-");
    clock.advance(99);
    expect(await tryCall(breaker)).toBe("CIRCUIT_OPEN");
    clock.advance(1);
    expect(breaker.state).toBe("open");
    expect(await tryCall(breaker)).toBe("done");
    expect(breaker.state).toBe("half-open");
  });

  test("rests longer after each failed probe, up to openForMsMax; a close ends that", async () => {
    const options = { openForMs: 10, openForMsMax: 35, halfOpenCalls: 1, consecutiveFailures: 1 };
    const { breaker, clock } = makeBreaker(options);
    const rests: number[] = [];
    for (const ending of ["-", "-", "-", "-", "+", "-"]) {
      await callAll(breaker, ending);
      rests.push(breaker.stats().openForMs);
      clock.advance(breaker.stats().openForMs);
    }
    expect(rests).toEqual([10, 20, 35, 35, 0, 10]);
  });

  test("a rest is lengthened by a random share of itself, from 0 to openJitter", async () => {
    const rests = [0, 25].map(async (drawn) => {
      const below = vi.fn((_: number) => drawn);
      const random = { below };
      const options = { openForMs: 100, openJitter: 0.25, consecutiveFailures: 1, random };
      const { breaker } = makeBreaker(options);
      await callAll(breaker, "-");
      expect(below.mock.calls).toEqual([[26]]);
      return breaker.stats().openForMs;
    });
    expect(await Promise.all(rests)).toEqual([100, 125]);
  });
});

describe("half-open", () => {
  async function halfOpen(options = {}) {
    const made = makeBreaker({ consecutiveFailures: 1, openForMs: 100, ...options });
    const permit = made.breaker.acquire();
    if (permit.admitted) permit.fail();
    made.clock.advance(100);
    return made;
  }

  test("should the call succeed, the circuit breaker resets and returns to closed", async () => {
    const { breaker } = await halfOpen({ halfOpenCalls: 1 });
    await callAll(breaker, "+");
    expect(breaker.state).toBe("closed");
    expect(breaker.stats()).toMatchObject({ windowCalls: 0, trips: 0 });
  });

  test("if the trial call fails, the circuit breaker returns to the open state", async () => {
    const { breaker } = await halfOpen({ halfOpenCalls: 1 });
    await callAll(breaker, "-");
    expect(breaker.state).toBe("open");
  });

  test("decides as soon as the probes still out cannot change the decision", async () => {
    const closing = await halfOpen({ halfOpenCalls: 3, failureRateThreshold: 0.5 });
    await callAll(closing.breaker, "+");
    expect(closing.breaker.state).toBe("half-open");
    await callAll(closing.breaker, "+");
    expect(closing.breaker.state).toBe("closed");
    const opening = await halfOpen({ halfOpenCalls: 4, failureRateThreshold: 0.5 });
    await callAll(opening.breaker, "+-");
    expect(opening.breaker.state).toBe("half-open");
    await callAll(opening.breaker, "-");
    expect(opening.breaker.state).toBe("open");
  });

  test("admits halfOpenCalls probes and refuses the rest", async () => {
    const { breaker } = await halfOpen({ halfOpenCalls: 2 });
    const { promise } = deferred();
    breaker.call(() => promise);
    breaker.call(() => promise);
    expect(await tryCall(breaker)).toBe("CIRCUIT_HALF_OPEN");
  });

  test("a cancelled or ignored probe is given back", async () => {
    const { breaker } = await halfOpen({ halfOpenCalls: 1, isFailure: () => "ignored" as const });
    await callAll(breaker, "+-+");
    expect(breaker.state).toBe("half-open");
    const permit = breaker.acquire();
    if (permit.admitted) permit.cancel();
    expect(breaker.acquire().admitted).toBe(true);
    expect(breaker.acquire()).toMatchObject({ code: "CIRCUIT_HALF_OPEN" });
  });

  test("probes that never settle open it again, and it asks again after a rest", async () => {
    const { breaker, clock } = await halfOpen({ halfOpenCalls: 1, halfOpenForMs: 50 });
    const transitions: Transition[] = [];
    breaker.on("transition", (transition) => transitions.push(transition));
    breaker.acquire();
    clock.advance(49);
    expect(breaker.acquire()).toMatchObject({ code: "CIRCUIT_HALF_OPEN" });
    clock.advance(1);
    // The rest, twice as long after the second trip, counts from the end of the half-open period.
    expect(breaker.acquire()).toMatchObject({ code: "CIRCUIT_OPEN", retryAfterMs: 200 });
    clock.advance(200);
    expect(breaker.acquire().admitted).toBe(true);
    expect(transitions.map(({ to, reason, atMs }) => [to, reason, atMs])).toEqual([
      ["half-open", "rested", 100],
      ["open", "probes-late", 150],
      ["half-open", "rested", 350],
    ]);
  });

  test("a breaker that nobody has asked for long probes at once", async () => {
    const { breaker, clock } = await halfOpen({ halfOpenCalls: 1 });
    breaker.acquire();
    clock.advance(3_600_000);
    expect(breaker.acquire().admitted).toBe(true);
    expect(breaker.state).toBe("half-open");
  });
});

describe("a late result", () => {
  test("of a call from before the outage neither closes nor reopens the breaker", async () => {
    const { breaker, clock } = makeBreaker({ consecutiveFailures: 1, openForMs: 10 });
    const [early, later] = [deferred(), deferred()];
    const first = breaker.call(() => early.promise);
    const second = breaker.call(() => later.promise).catch(() => {});
    await callAll(breaker, "-");
    clock.advance(10);
    expect(await tryCall(breaker)).toBe("done");
    early.resolve("late");
    expect(await first).toBe("late");
    expect(breaker.state).toBe("half-open");
    expect(breaker.stats().counts.late).toBe(1);
    await callAll(breaker, "+");
    expect(breaker.state).toBe("closed");
    later.reject(down);
    await second;
    expect(breaker.state).toBe("closed");
    expect(breaker.stats()).toMatchObject({ counts: { late: 2 }, windowCalls: 0, inFlight: 0 });
  });

  test("belongs to the generation in which it started, though its own work end that", async () => {
    const breaker = new CircuitBreaker();
    await breaker.call(async () => {
      breaker.reset();
      await breaker.call(succeed);
    });
    expect(breaker.stats()).toMatchObject({ counts: { late: 1, success: 2 }, windowCalls: 1 });
  });
});

describe("calls in flight", () => {
  test("stay below inFlightMax; a place is free again when its work has settled", async () => {
    const { breaker } = makeBreaker({ inFlightMax: 1 });
    const { promise, resolve } = deferred();
    const running = breaker.call(() => promise);
    expect(await tryCall(breaker)).toBe("CIRCUIT_IN_FLIGHT_MAX");
    resolve(undefined);
    await running;
    expect(await tryCall(breaker)).toBe("done");
  });

  test("that are refused for it take no place, and no probe", async () => {
    const { breaker, clock } = makeBreaker({ inFlightMax: 1, halfOpenCalls: 1, openForMs: 1 });
    const permit = breaker.acquire();
    breaker.restore({ ...breaker.snapshot(), state: "open" });
    clock.advance(1);
    expect(await tryCall(breaker)).toBe("CIRCUIT_IN_FLIGHT_MAX");
    expect(breaker.state).toBe("open");
    if (permit.admitted) permit.succeed();
    expect(await tryCall(breaker)).toBe("done");
    expect(breaker.state).toBe("closed");
  });
});
