import { type Call, deadline, pipelineOn, retry, timeout } from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import { beforeEach, expect, test } from "vitest";
import { type Ending, note, takes } from "./support/virtual.ts";

let clock: ManualClock;
let endings: Ending[];
beforeEach(() => {
  clock = new ManualClock({ nowMs: 5_000 });
  endings = [];
});

test("a call is given up when its time is over, and its work is told", async () => {
  const policy = deadline({ deadlineInMs: 40 });
  let seen: Call | undefined;
  const work = (call: Call) => {
    seen = call;
    return new Promise(() => {});
  };
  note(clock, endings, pipelineOn(clock, policy), work);
  expect(seen?.remainingMs()).toBe(40);
  await clock.advanceAsync(39);
  expect(endings).toEqual([]);
  await clock.advanceAsync(1);
  expect(endings).toMatchObject([{ code: "DEADLINE_EXCEEDED", tookMs: 40 }]);
  expect(seen?.reason).toBe(endings[0]?.error);
  expect(policy.stats()).toEqual({ bounded: 1, notStarted: 0, exceeded: 1 });
});

test("it bounds all attempts together, where a timeout bounds each", async () => {
  const backoff = { baseMs: 8, jitter: "none" } as const;
  const policy = pipelineOn(
    clock,
    deadline({ deadlineInMs: 64 }),
    retry({ attemptsMax: 9, backoff, evenIfNotIdempotent: true }),
    timeout({ timeoutMs: 16 }),
  );
  let attempts = 0;
  const work = (call: Call) => {
    attempts++;
    return takes(clock, 16, new Error("broken"))(call);
  };
  note(clock, endings, policy, work);
  await clock.advanceAsync(1_000);
  expect(attempts).toBe(3);
  expect(endings[0]?.tookMs).toBeLessThanOrEqual(64);
});

test("it shortens a call's own deadline, and never lengthens it", async () => {
  const policy = deadline({ deadlineInMs: 40 });
  for (const deadlineInMs of [24, 80]) {
    note(clock, endings, pipelineOn(clock, policy), (call) => call.remainingMs(), { deadlineInMs });
  }
  await clock.advanceAsync(0);
  expect(endings.map(({ value }) => value).sort()).toEqual([24, 40]);
  expect(policy.stats().bounded).toBe(1);
});

test("a call that comes after its deadline is not started", async () => {
  const policy = deadline();
  let started = false;
  const late = {
    kind: "custom",
    run: (call: Call, next: (call: Call) => Promise<never>) => next(call.fork(clock.now())),
  } as never;
  note(clock, endings, pipelineOn(clock, late, policy), () => {
    started = true;
  });
  await clock.advanceAsync(0);
  expect(started).toBe(false);
  expect(endings).toMatchObject([{ code: "DEADLINE_EXCEEDED" }]);
  expect(policy.stats()).toEqual({ bounded: 0, notStarted: 1, exceeded: 0 });
});

test("a call that ends in time leaves nothing behind", async () => {
  const bounded = deadline({ deadlineInMs: 1_000 });
  const policy = pipelineOn(clock, bounded);
  note(clock, endings, policy, takes(clock, 8, "done"));
  note(clock, endings, policy, takes(clock, 8, new Error("broken")));
  await clock.advanceAsync(16);
  expect(endings).toHaveLength(2);
  await clock.advanceAsync(2_000);
  expect(clock.pendingTimers).toBe(0);
  expect(bounded.stats().exceeded).toBe(0);
});

test("options out of range are refused by name", () => {
  expect(() => deadline({ deadlineInMs: 0 })).toThrow(
    "deadlineInMs must be a number above 0, got 0",
  );
  expect(() => deadline({ deadlineInMs: Number.NaN })).toThrow(RangeError);
});
