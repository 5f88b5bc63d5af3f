import { type Admission, admission, type Call, pipelineOn } from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import { beforeEach, describe, expect, test } from "vitest";
import { allowAll, grudging, slowly } from "./support/limiters.ts";
import { type Ending, note } from "./support/virtual.ts";

let clock: ManualClock;
let endings: Ending[];
beforeEach(() => {
  clock = new ManualClock();
  endings = [];
});

const work = () => "done";

describe("a limiter", () => {
  test("lets through what it allows, and refuses with the wait that it names", async () => {
    const policy = admission(grudging(70));
    for (let i = 0; i < 2; i++) note(clock, endings, pipelineOn(clock, policy), work);
    await clock.advanceAsync(0);
    expect(endings).toMatchObject([
      { value: "done" },
      { code: "RATE_LIMITED", error: { retryAfterMs: 70 } },
    ]);
    expect(policy.stats()).toMatchObject({ admitted: 1, refused: 1, waiting: 0 });
  });

  test("is told the call's key and its cost", async () => {
    const asked: unknown[] = [];
    const limiter: Admission = {
      take: (key, cost) => {
        asked.push([key, cost]);
        return { allowed: true };
      },
    };
    const price = (call: Call) => (call.criticality === "sheddable" ? 5 : 2);
    const plain = pipelineOn(clock, admission(limiter));
    const own = pipelineOn(clock, admission(limiter, { key: () => "all", cost: price }));
    for (const policy of [plain, own]) {
      await policy.call(work, { key: "tenant", criticality: "sheddable" });
    }
    expect(asked).toEqual([
      ["tenant", 1],
      ["all", 5],
    ]);
  });

  test("may answer later; a call aborted meanwhile is not started, and its turn is given back", async () => {
    const limiter = grudging(10);
    const calls = pipelineOn(clock, admission(slowly(limiter, 5), { waitMsMax: 100 }));
    let started = 0;
    const controller = new AbortController();
    const { signal } = controller;
    note(clock, endings, calls, () => started++, { signal });
    await null;
    controller.abort(new Error("gone"));
    await clock.advanceAsync(0);
    expect(endings).toMatchObject([{ error: new Error("gone"), tookMs: 0 }]);
    expect([started, limiter.taken, limiter.cancelled]).toEqual([0, 0, 1]);
  });
});

describe("waiting for a reserved turn", () => {
  test("calls go one by one at the limiter's pace, without asking again", async () => {
    const policy = admission(grudging(20), { waitMsMax: 1_000 });
    for (let i = 0; i < 4; i++) note(clock, endings, pipelineOn(clock, policy), work);
    expect(policy.stats().waiting).toBe(3);
    await clock.advanceAsync(1_000);
    expect(endings.map(({ tookMs }) => tookMs)).toEqual([0, 20, 40, 60]);
    expect(policy.stats()).toMatchObject({ admitted: 4, delayed: 3, waiting: 0 });
  });

  test("is not begun for a wait above waitMsMax, or beyond the deadline", async () => {
    const limiter = grudging(40);
    const policy = admission(limiter, { waitMsMax: 50 });
    note(clock, endings, pipelineOn(clock, policy), work);
    note(clock, endings, pipelineOn(clock, policy), work, { deadlineInMs: 30 });
    note(clock, endings, pipelineOn(clock, policy), work);
    note(clock, endings, pipelineOn(clock, policy), work);
    await clock.advanceAsync(0);
    expect(endings.map(({ code }) => code)).toEqual([undefined, "RATE_LIMITED", "RATE_LIMITED"]);
    await clock.advanceAsync(40);
    expect(endings[3]).toEqual({ value: "done", tookMs: 40 });
    // Nor was a turn taken that would have been too late.
    expect([limiter.taken, limiter.cancelled]).toEqual([2, 0]);
  });

  test("is given back by a caller who gives up", async () => {
    const limiter = grudging(40);
    const policy = admission(limiter, { waitMsMax: 100 });
    const controller = new AbortController();
    note(clock, endings, pipelineOn(clock, policy), work);
    note(clock, endings, pipelineOn(clock, policy), work, { signal: controller.signal });
    controller.abort(new Error("gone"));
    expect([limiter.taken, limiter.cancelled]).toEqual([1, 1]);
    expect(policy.stats().waiting).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test("is for waitingMax calls at most; the others are refused", async () => {
    for (const turns of [0, 3]) {
      const limiter = turns === 0 ? grudging(10) : slowly(grudging(10), turns);
      const policy = admission(limiter, { waitMsMax: 1_000, waitingMax: 2 });
      endings = [];
      for (let i = 0; i < 6; i++) note(clock, endings, pipelineOn(clock, policy), work);
      await clock.advanceAsync(0);
      expect(policy.stats()).toMatchObject({ waiting: 2, refused: 3, admitted: 1 });
      await clock.advanceAsync(1_000);
      expect(policy.stats()).toMatchObject({ waiting: 0, admitted: 3 });
    }
  });
});

describe("a limiter that fails", () => {
  const broken: Admission[] = [
    {
      take: () => {
        throw new Error("down");
      },
    },
    { take: () => Promise.reject(new Error("down")) },
  ];

  test("does not take the service down: calls are let through, and counted", async () => {
    for (const limiter of broken) {
      const policy = admission(limiter);
      expect(await pipelineOn(clock, policy).call(work)).toBe("done");
      expect(policy.stats()).toMatchObject({ admitted: 1, limiterErrors: 1 });
    }
  });

  test("rejects calls with its own error, where that was chosen", async () => {
    for (const limiter of broken) {
      const policy = pipelineOn(clock, admission(limiter, { onLimiterError: "reject" }));
      await expect(policy.call(work)).rejects.toThrow("down");
    }
  });
});

test("options out of range are refused by name", () => {
  expect(() => admission({} as Admission)).toThrow('limiter must have a method "take"');
  expect(() => admission(allowAll, { cost: 0 })).toThrow("cost must be a number above 0");
  expect(() => admission(allowAll, { waitMsMax: -1 })).toThrow("waitMsMax must be a number from 0");
  expect(() => admission(allowAll, { waitMsMax: 5 })).toThrow('a limiter with a method "reserve"');
  expect(() => admission(allowAll, { waitingMax: 1.5 })).toThrow(
    "waitingMax must be a whole number",
  );
  expect(() => admission(allowAll, { onLimiterError: "?" as never })).toThrow(
    /"admit" or "reject"/,
  );
});
