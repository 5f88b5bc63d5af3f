// What an operator can say, what a breaker tells, and what survives its process.
import {
  type CircuitBreaker,
  CircuitBreakerError,
  type CircuitBreakerOptions,
  type Permit,
  type Snapshot,
} from "@compendium/circuit-breaker";
import { describe, expect, test, vi } from "vitest";
import { callAll, fail, makeBreaker, succeed, tryCall, turn } from "./helpers.ts";

describe("an operator", () => {
  test("forces it open: every call is refused, however long one waits, until reset", async () => {
    const { breaker, clock } = makeBreaker();
    breaker.forceOpen();
    clock.advance(1e9);
    expect(await tryCall(breaker)).toBe("CIRCUIT_FORCED_OPEN");
    breaker.reset();
    expect(await tryCall(breaker)).toBe("done");
  });

  test("forces it closed: it never trips, but records, and keeps inFlightMax", async () => {
    const { breaker } = makeBreaker({ consecutiveFailures: 1, inFlightMax: 1 });
    breaker.forceClosed();
    await callAll(breaker, "-----------");
    expect(breaker.stats()).toMatchObject({ state: "forced-closed", failureRate: 1 });
    breaker.acquire();
    expect(await tryCall(breaker)).toBe("CIRCUIT_IN_FLIGHT_MAX");
  });

  test("disables it: every call is admitted, and none is judged", async () => {
    const { breaker } = makeBreaker({ consecutiveFailures: 1, inFlightMax: 1 });
    breaker.disable();
    breaker.acquire();
    await callAll(breaker, "-----------");
    expect(breaker.stats()).toMatchObject({ state: "disabled", windowCalls: 0, inFlight: 1 });
    expect(breaker.stats().counts.failure).toBe(11);
  });

  test("resets it: the window is empty, and what started before counts as late", async () => {
    const { breaker } = makeBreaker();
    await callAll(breaker, "--");
    const permit = breaker.acquire() as Permit;
    breaker.reset();
    permit.fail();
    expect(breaker.stats()).toMatchObject({ windowCalls: 0, inFlight: 0, counts: { late: 1 } });
  });
});

describe("an event", () => {
  test("tells of transitions, endings and refusals, by call and by permit alike", async () => {
    const { breaker, clock } = makeBreaker({ consecutiveFailures: 1 });
    const told: unknown[] = [];
    breaker.on("transition", ({ from, to, reason, atMs }) => told.push([from, to, reason, atMs]));
    breaker.on("settled", ({ outcome }) => told.push(outcome));
    breaker.on("refused", (error) => told.push(error.code));
    clock.advance(7);
    await callAll(breaker, "+");
    (breaker.acquire() as Permit).cancel();
    (breaker.acquire() as Permit).fail();
    await callAll(breaker, "+");
    breaker.acquire();
    const opened = ["closed", "open", "consecutive-failures", 7];
    const refused = ["CIRCUIT_OPEN", "CIRCUIT_OPEN"];
    expect(told).toEqual(["success", "cancelled", opened, "failure", ...refused]);
  });

  test("reaches no listener that was disposed; the same function may listen twice", async () => {
    const { breaker } = makeBreaker();
    const listener = vi.fn();
    const first = breaker.on("settled", listener);
    breaker.on("settled", listener);
    await callAll(breaker, "+");
    first[Symbol.dispose]();
    await callAll(breaker, "+");
    expect(listener).toHaveBeenCalledTimes(3);
  });

  test("whose listener throws changes nothing for the call or the next listener", async () => {
    const { breaker } = makeBreaker();
    const uncaught = process.listeners("uncaughtException");
    const seen: unknown[] = [];
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => seen.push(error));
    const bug = new Error("listener");
    const next = vi.fn();
    breaker.on("settled", () => {
      throw bug;
    });
    breaker.on("settled", next);
    expect(await tryCall(breaker)).toBe("done");
    await turn();
    process.removeAllListeners("uncaughtException");
    for (const listener of uncaught) process.on("uncaughtException", listener);
    expect(seen).toEqual([bug]);
    expect(next).toHaveBeenCalledTimes(1);
  });

  test("whose listener forces the breaker open during an admission is obeyed", async () => {
    const { breaker, clock } = makeBreaker({ consecutiveFailures: 1 });
    await callAll(breaker, "-");
    clock.advance(30_000);
    const once = breaker.on("transition", () => {
      once[Symbol.dispose]();
      breaker.forceOpen();
    });
    expect(await tryCall(breaker)).toBe("CIRCUIT_FORCED_OPEN");
    expect(breaker.stats().inFlight).toBe(0);
  });
});

describe("a snapshot", () => {
  async function used(options: CircuitBreakerOptions = {}) {
    const made = makeBreaker({ minimumCalls: 5, ...options });
    await callAll(made.breaker, "+--+");
    return made;
  }

  test("survives JSON, and continues elsewhere", async () => {
    const { breaker } = await used();
    const saved = JSON.parse(JSON.stringify(breaker.snapshot()));
    expect(saved).toEqual({
      version: 1,
      state: "closed",
      openForMs: 0,
      trips: 0,
      failuresInARow: 0,
      window: { kind: "count", outcomes: "0110" },
    });
    const { breaker: heir } = makeBreaker({ minimumCalls: 5 });
    heir.restore(saved);
    expect(heir.snapshot()).toEqual(saved);
    await callAll(heir, "-");
    expect(heir.state).toBe("open");
  });

  test("of an open breaker rests for what is left, less the time in between", async () => {
    const { breaker, clock } = await used();
    await callAll(breaker, "-");
    clock.advance(10_000);
    const { breaker: heir, clock: later } = makeBreaker({ minimumCalls: 5 });
    heir.restore(breaker.snapshot(), { elapsedMs: 15_000 });
    expect(heir.acquire()).toMatchObject({ code: "CIRCUIT_OPEN", retryAfterMs: 5_000 });
    later.advance(5_000);
    expect(heir.acquire().admitted).toBe(true);
  });

  test("of a half-open breaker is open and may ask at once: its probes are lost", async () => {
    const { breaker, clock } = await used({ consecutiveFailures: 1 });
    clock.advance(30_000);
    breaker.acquire();
    expect(breaker.state).toBe("half-open");
    const saved = breaker.snapshot();
    expect(saved).toMatchObject({ state: "open", openForMs: 0, trips: 1 });
    breaker.restore(saved);
    expect(breaker.acquire().admitted).toBe(true);
  });

  test("of a time window ages by elapsedMs", async () => {
    const window = { kind: "time", durationMs: 1_000, buckets: 10 } as const;
    const { breaker } = await used({ window });
    const saved = breaker.snapshot();
    const calls = (elapsedMs: number) => {
      const { breaker: heir } = makeBreaker({ window });
      heir.restore(saved, { elapsedMs });
      return heir.stats().windowCalls;
    };
    expect([0, 899, 1_000, 1e9].map(calls)).toEqual([4, 4, 0, 0]);
  });

  const spoilt: [string, (saved: Snapshot) => unknown][] = [
    ["is no object", () => "closed"],
    ["is null", () => null],
    ["has another version", (saved) => ({ ...saved, version: 2 })],
    ["has an unknown state", (saved) => ({ ...saved, state: "ajar" })],
    ["is half-open", (saved) => ({ ...saved, state: "half-open" })],
    ["rests for a negative time", (saved) => ({ ...saved, openForMs: -1 })],
    ["rests for longer than any rest", (saved) => ({ ...saved, state: "open", openForMs: 1e15 })],
    ["rests for NaN", (saved) => ({ ...saved, openForMs: Number.NaN })],
    ["has half a trip", (saved) => ({ ...saved, trips: 0.5 })],
    ["has negative failures", (saved) => ({ ...saved, failuresInARow: -1 })],
    ["has no window", ({ window: _, ...rest }) => rest],
    ["has a window of another kind", (saved) => ({ ...saved, window: { kind: "time" } })],
    ["holds more calls than fit", (saved) => withOutcomes(saved, "0".repeat(101))],
    ["holds what is no outcome", (saved) => withOutcomes(saved, "0140")],
  ];

  const withOutcomes = (saved: Snapshot, outcomes: string) => ({
    ...saved,
    window: { kind: "count", outcomes },
  });

  test.each(spoilt)("that %s is refused whole, and nothing changes", async (_, spoil) => {
    const { breaker } = await used();
    expectRefused(breaker, spoil(breaker.snapshot()));
  });

  const rows: unknown[] = [
    [],
    [[1, 0, 0]],
    [
      [1, 2, 0],
      [0, 0, 0],
    ],
    [
      [1, 0, 2],
      [0, 0, 0],
    ],
    [
      [-1, 0, 0],
      [0, 0, 0],
    ],
    [
      [2 ** 53, 0, 0],
      [0, 0, 0],
    ],
    [
      [1, 0],
      [0, 0, 0],
    ],
    ["100", [0, 0, 0]],
  ];

  test.each(rows)("whose buckets are %j is refused whole", async (...buckets) => {
    const { breaker } = await used({ window: { kind: "time", durationMs: 100, buckets: 2 } });
    expectRefused(breaker, {
      ...breaker.snapshot(),
      window: { kind: "time", bucketMs: 50, buckets },
    });
  });

  test("that was taken less than no time ago is a RangeError", async () => {
    const { breaker } = await used();
    for (const elapsedMs of [-1, Number.NaN, Infinity]) {
      const restore = () => breaker.restore(breaker.snapshot(), { elapsedMs });
      expect(restore).toThrow(RangeError);
    }
  });

  function expectRefused(breaker: CircuitBreaker, snapshot: unknown): void {
    const before = [breaker.snapshot(), breaker.stats()];
    const error = vi.fn();
    try {
      breaker.restore(snapshot);
    } catch (thrown) {
      error(thrown);
    }
    expect(error).toHaveBeenCalledWith(expect.any(CircuitBreakerError));
    expect(error.mock.calls[0]?.[0]).toMatchObject({ code: "CIRCUIT_SNAPSHOT" });
    expect([breaker.snapshot(), breaker.stats()]).toEqual(before);
  }

  test("and stats are read without changing anything", async () => {
    const { breaker } = await used();
    await breaker.call(fail).catch(() => {});
    expect(breaker.stats()).toEqual(breaker.stats());
    expect(breaker.snapshot()).toEqual(breaker.snapshot());
    expect(await breaker.call(succeed).catch((error) => error.code)).toBe("CIRCUIT_OPEN");
  });
});
