import {
  type Call,
  hedge,
  pipelineOn,
  ResilienceError,
  RetryBudget,
  retry,
} from "@compendium/resilience";
import { ManualClock, SeededRandom } from "@compendium/runtime";
import { beforeEach, describe, expect, test } from "vitest";
import { type Ending, note, percentileOf, pushback, takes } from "./support/virtual.ts";

const idempotent = true;
let clock: ManualClock;
let endings: Ending[];
beforeEach(() => {
  clock = new ManualClock();
  endings = [];
});

/**
 * Work whose nth attempt takes times[n] ms, and fails where it is told an error instead of "ok".
 */
function attempts(...plan: [ms: number, value: unknown][]) {
  const calls: Call[] = [];
  const work = (call: Call) => {
    const [ms, value] = plan[calls.push(call) - 1] ?? [1_000, "unplanned"];
    return takes(clock, ms, value)(call);
  };
  return { calls, work };
}

describe("a second attempt", () => {
  test("starts when the first is out for longer than the delay, and may win", async () => {
    const policy = hedge({ delayMs: 24 });
    const { calls, work } = attempts([500, "first"], [10, "second"]);
    note(clock, endings, pipelineOn(clock, policy), work, { idempotent });
    await clock.advanceAsync(24);
    expect(calls).toHaveLength(2);
    await clock.advanceAsync(10);
    expect(endings).toEqual([{ value: "second", tookMs: 34 }]);
    expect(policy.stats()).toMatchObject({ calls: 1, hedges: 1, wonByHedge: 1 });
  });

  test("is not made for a call that ends before the delay", async () => {
    const policy = hedge({ delayMs: 24 });
    const { calls, work } = attempts([23, "first"]);
    note(clock, endings, pipelineOn(clock, policy), work, { idempotent });
    await clock.advanceAsync(1_000);
    expect(endings).toEqual([{ value: "first", tookMs: 23 }]);
    expect(calls).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test("is at most 16 ms late", async () => {
    const policy = hedge({ delayMs: 17 });
    const { calls, work } = attempts([500, "first"], [1, "second"]);
    await clock.advanceAsync(3);
    note(clock, endings, pipelineOn(clock, policy), work, { idempotent });
    await clock.advanceAsync(16);
    expect(calls).toHaveLength(1);
    await clock.advanceAsync(17);
    expect(calls).toHaveLength(2);
  });

  test("is not made for a call that did not say it is idempotent, unless told otherwise", async () => {
    const [careful, careless] = [
      hedge({ delayMs: 8 }),
      hedge({ delayMs: 8, evenIfNotIdempotent: true }),
    ];
    const [once, twice] = [attempts([100, "first"]), attempts([100, "first"], [10, "second"])];
    note(clock, endings, pipelineOn(clock, careful), once.work);
    note(clock, endings, pipelineOn(clock, careless), twice.work);
    await clock.advanceAsync(200);
    expect([once.calls.length, twice.calls.length]).toEqual([1, 2]);
    expect(careful.stats()).toMatchObject({ notIdempotent: 1, calls: 0 });
  });

  test("is not made when it would begin after the deadline", async () => {
    const { calls, work } = attempts([500, "first"], [1, "second"]);
    const options = { idempotent, deadlineInMs: 40 };
    note(clock, endings, pipelineOn(clock, hedge({ delayMs: 40 })), work, options);
    await clock.advanceAsync(1_000);
    expect(calls).toHaveLength(1);
    expect(endings).toMatchObject([{ code: "DEADLINE_EXCEEDED" }]);
  });

  test("and a third are one delay apart, up to attemptsMax", async () => {
    const policy = hedge({ delayMs: 16, attemptsMax: 3 });
    const { calls, work } = attempts([500, 1], [500, 2], [500, 3], [1, 4]);
    note(clock, endings, pipelineOn(clock, policy), work, { idempotent });
    await clock.advanceAsync(16);
    expect(calls).toHaveLength(2);
    await clock.advanceAsync(16);
    expect(calls).toHaveLength(3);
    await clock.advanceAsync(1_000);
    expect(calls).toHaveLength(3);
    expect(endings).toEqual([{ value: 1, tookMs: 500 }]);
  });
});

describe("the end of the race", () => {
  test("tells the losers, at once and by name, and leaves the caller's own call alone", async () => {
    const { calls, work } = attempts([500, "first"], [10, "second"]);
    note(clock, endings, pipelineOn(clock, hedge({ delayMs: 16 })), work, { idempotent });
    await clock.advanceAsync(26);
    expect(calls[0]?.reason).toMatchObject({ code: "HEDGE_LOST" });
    expect(calls[0]?.reason).toBeInstanceOf(ResilienceError);
    expect(calls[0]?.signal.aborted).toBe(true);
    expect(calls[1]?.aborted).toBe(false);
  });

  test("gRFC A6: a failure does not end the call while another attempt is out", async () => {
    const failed = new Error("broken");
    const { work } = attempts([30, failed], [40, "second"]);
    note(clock, endings, pipelineOn(clock, hedge({ delayMs: 16 })), work, { idempotent });
    await clock.advanceAsync(100);
    expect(endings).toEqual([{ value: "second", tookMs: 56 }]);
  });

  test("is the last failure, once all that were made have failed", async () => {
    const { work } = attempts([30, new Error("one")], [40, new Error("two")]);
    note(clock, endings, pipelineOn(clock, hedge({ delayMs: 16 })), work, { idempotent });
    await clock.advanceAsync(55);
    expect(endings).toEqual([]);
    await clock.advanceAsync(1);
    expect(endings).toMatchObject([{ error: new Error("two"), tookMs: 56 }]);
    await clock.advanceAsync(16);
    expect(clock.pendingTimers).toBe(0);
  });

  test("a failed first attempt starts no hedge: that is a retry, which waits", async () => {
    const { calls, work } = attempts([5, new Error("broken")], [1, "second"]);
    note(clock, endings, pipelineOn(clock, hedge({ delayMs: 16 })), work, { idempotent });
    await clock.advanceAsync(100);
    expect(calls).toHaveLength(1);
    expect(endings).toMatchObject([{ tookMs: 5 }]);
    const both = attempts([5, new Error("broken")], [1, "second"]);
    const backoff = { baseMs: 20, jitter: "none" } as const;
    const policies = pipelineOn(clock, retry({ backoff }), hedge({ delayMs: 16 }));
    note(clock, endings, policies, both.work, { idempotent });
    await clock.advanceAsync(100);
    expect(endings[1]).toEqual({ value: "second", tookMs: 26 });
  });

  test("gRFC A6: a fatal failure ends the call, and the others", async () => {
    const policy = hedge({ delayMs: 16, isFatal: () => true });
    const { calls, work } = attempts([500, "first"], [4, new Error("no such page")]);
    note(clock, endings, pipelineOn(clock, policy), work, { idempotent });
    await clock.advanceAsync(20);
    expect(endings).toMatchObject([{ error: new Error("no such page"), tookMs: 20 }]);
    expect(calls[0]?.aborted).toBe(true);
  });

  test("a value may count as a failure, and is what the caller gets if nothing better comes", async () => {
    const isFailure = (result: PromiseSettledResult<unknown>) =>
      result.status === "fulfilled" && result.value === 503;
    const policy = pipelineOn(clock, hedge({ delayMs: 16, isFailure }));
    note(clock, endings, policy, attempts([20, 503], [30, 200]).work, { idempotent });
    note(clock, endings, policy, attempts([20, 503], [30, 503]).work, { idempotent });
    await clock.advanceAsync(100);
    expect(endings.map(({ value }) => value).sort()).toEqual([200, 503]);
  });

  test("a predicate that throws ends the call instead of hanging it", async () => {
    const isFailure = () => {
      throw new Error("bug");
    };
    const policy = pipelineOn(clock, hedge({ delayMs: 16, isFailure }));
    note(clock, endings, policy, attempts([20, 1], [30, 2]).work, { idempotent });
    await clock.advanceAsync(100);
    expect(endings).toMatchObject([{ error: new Error("bug"), tookMs: 20 }]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("pushback", () => {
  test("gRFC A6: a negative one means that no further attempt is made", async () => {
    const { calls, work } = attempts([500, "first"], [4, pushback(-1)], [1, "third"]);
    note(clock, endings, pipelineOn(clock, hedge({ delayMs: 16, attemptsMax: 3 })), work, {
      idempotent,
    });
    await clock.advanceAsync(1_000);
    expect(calls).toHaveLength(2);
    expect(endings).toEqual([{ value: "first", tookMs: 500 }]);
  });

  test("gRFC A6: of n ms, the next attempt waits as long; so do those of all other calls", async () => {
    const policy = pipelineOn(clock, hedge({ delayMs: 16, attemptsMax: 3 }));
    const [asked, other] = [
      attempts([500, 1], [8, pushback(80)], [1, 3]),
      attempts([500, 1], [1, 2]),
    ];
    note(clock, endings, policy, asked.work, { idempotent });
    await clock.advanceAsync(23);
    note(clock, endings, policy, other.work, { idempotent });
    await clock.advanceAsync(1);
    await clock.advanceAsync(79);
    expect([asked.calls.length, other.calls.length]).toEqual([2, 1]);
    await clock.advanceAsync(9);
    expect([asked.calls.length, other.calls.length]).toEqual([3, 2]);
  });
});

describe("the budget", () => {
  test("pays for every hedge; without it the call waits for the attempt that it has", async () => {
    const policy = hedge({ delayMs: 8, budget: new RetryBudget({ ratio: 0.1, tokensMax: 1 }) });
    const slow = Array.from({ length: 3 }, () => attempts([40, 1], [500, 2]));
    for (const { work } of slow)
      note(clock, endings, pipelineOn(clock, policy), work, { idempotent });
    await clock.advanceAsync(100);
    expect(slow.map(({ calls }) => calls.length).sort()).toEqual([1, 1, 2]);
    expect(policy.stats()).toMatchObject({ hedges: 1, overBudget: 2 });
    expect(endings.map(({ value }) => value)).toEqual([1, 1, 1]);
  });
});

test("by default hedges are at most 5 % of the successes, and the ten saved at first", async () => {
  const policy = hedge({ delayMs: 8 });
  for (let i = 0; i < 200; i++) {
    const { work } = attempts([40, 1], [500, 2]);
    note(clock, endings, pipelineOn(clock, policy), work, { idempotent });
    await clock.advanceAsync(40);
  }
  expect(policy.stats().hedges).toBeGreaterThanOrEqual(19);
  expect(policy.stats().hedges).toBeLessThanOrEqual(20);
});

describe("the measured delay", () => {
  /** `count` calls, one per ms, through `policy`; returns how long each took. */
  async function load(
    policy: ReturnType<typeof hedge> | undefined,
    count: number,
    latencyMs: () => number,
  ): Promise<{ tookMs: number[]; attempts: number }> {
    const calls = policy === undefined ? pipelineOn(clock) : pipelineOn(clock, policy);
    let attempts = 0;
    for (let i = 0; i < count; i++) {
      const work = (call: Call) => {
        attempts++;
        return takes(clock, latencyMs(), "ok")(call);
      };
      note(clock, endings, calls, work, { idempotent });
      await clock.advanceAsync(1);
    }
    await clock.advanceAsync(1_000);
    return { tookMs: endings.map(({ tookMs }) => tookMs), attempts };
  }

  /** 2 % of calls take 800 ms, the others 10 to 20 ms. */
  const bimodal = (random: SeededRandom) => () =>
    random.below(100) < 2 ? 800 : 10 + random.below(1_001) / 100;

  test("The Tail at Scale: p99 is halved or better, with at most 5 % more calls", async () => {
    for (const seed of [1, 2, 3]) {
      endings = [];
      const without = await load(undefined, 3_000, bimodal(new SeededRandom(seed)));
      endings = [];
      const policy = hedge();
      const hedged = await load(policy, 3_000, bimodal(new SeededRandom(seed)));
      const [before, after] = [percentileOf(without.tookMs, 99), percentileOf(hedged.tookMs, 99)];
      expect(before).toBe(800);
      expect(after).toBeLessThanOrEqual(60);
      expect(hedged.attempts / 3_000).toBeLessThanOrEqual(1.05);
      expect(policy.stats()).toMatchObject({ unmeasured: expect.any(Number), notIdempotent: 0 });
      expect(policy.stats().delayMs).toBeGreaterThan(19);
      expect(policy.stats().delayMs).toBeLessThan(20.7);
    }
  });

  test("is not blinded by its own success: losers count, and the delay climbs to a new normal", async () => {
    const random = new SeededRandom(5);
    const budget = { requested() {}, succeeded() {}, withdraw: () => true };
    const policy = hedge({ budget, windowMs: 400 });
    const delays: number[] = [];
    await load(policy, 5_000, () => {
      const now = clock.now();
      if (now % 1_000 === 999) delays.push(Math.round(policy.stats().delayMs as number));
      // From the first second on, one in eight is slow, and nearly all of them lose.
      return random.below(100) < (now < 1_000 ? 2 : 12) ? 400 : 10;
    });
    expect(delays[0]).toBe(10);
    expect(delays).toEqual([...delays].sort((a, b) => a - b));
    expect(delays.at(-1)).toBeGreaterThan(150);
  });

  test("is unknown before minimumCalls, and then nothing is hedged", async () => {
    const policy = hedge({ minimumCalls: 50 });
    const { attempts } = await load(policy, 50, () => 800);
    expect(attempts).toBe(50);
    expect(policy.stats()).toMatchObject({ unmeasured: 50, delayMs: undefined });
  });

  test("quick failures do not make a service look quick", async () => {
    const policy = hedge({ minimumCalls: 10, percentile: 50 });
    await load(policy, 100, () => 50);
    for (let i = 0; i < 500; i++) {
      note(clock, [], pipelineOn(clock, policy), takes(clock, 1, new Error("no")), { idempotent });
      await clock.advanceAsync(1);
    }
    expect(policy.stats().delayMs).toBeGreaterThan(50);
  });
});

test("options out of range are refused by name", () => {
  expect(() => hedge({ delayMs: 0 })).toThrow("delayMs must be a number above 0, got 0");
  expect(() => hedge({ attemptsMax: 1 })).toThrow(
    "attemptsMax must be a whole number from 2, got 1",
  );
  expect(() => hedge({ percentile: 100 })).toThrow(/percentile must be .* got 100/);
  expect(() => hedge({ minimumCalls: 0 })).toThrow(/minimumCalls must be .* got 0/);
  expect(() => hedge({ windowMs: Number.NaN })).toThrow(/windowMs must be .* got NaN/);
});
