import { type Call, pipelineOn, retry, singleFlight } from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import { beforeEach, describe, expect, test } from "vitest";
import { type Ending, note, takes } from "./support/virtual.ts";

let clock: ManualClock;
let endings: Ending[];
beforeEach(() => {
  clock = new ManualClock();
  endings = [];
});

/** Work that counts its starts, and answers with the number of its start. */
function counted(...times: number[]) {
  const calls: Call[] = [];
  const work = (call: Call) => {
    const n = calls.push(call);
    return takes(clock, times[n - 1] ?? 10, n)(call);
  };
  return { calls, work };
}

describe("callers with one key", () => {
  test("share one flight and its answer", async () => {
    const policy = singleFlight();
    const { calls, work } = counted(30);
    for (let i = 0; i < 100; i++)
      note(clock, endings, pipelineOn(clock, policy), work, { key: "a" });
    await clock.advanceAsync(30);
    expect(calls).toHaveLength(1);
    expect(endings).toEqual(new Array(100).fill({ value: 1, tookMs: 30 }));
    expect(policy.stats()).toMatchObject({ flights: 1, joined: 99, waiting: 0, keys: 0 });
  });

  test("share its failure, when nothing else is in the air", async () => {
    const policy = pipelineOn(clock, singleFlight());
    const work = takes(clock, 30, new Error("broken"));
    for (let i = 0; i < 3; i++) note(clock, endings, policy, work, { key: "a" });
    await clock.advanceAsync(30);
    expect(endings.map(({ error }) => String(error))).toEqual(new Array(3).fill("Error: broken"));
  });

  test("who come after the answer begin a flight of their own: it is no cache", async () => {
    const policy = pipelineOn(clock, singleFlight());
    const { calls, work } = counted(10, 10);
    note(clock, endings, policy, work, { key: "a" });
    await clock.advanceAsync(10);
    note(clock, endings, policy, work, { key: "a" });
    expect(calls).toHaveLength(2);
  });

  test("other keys, and calls without one, fly apart; the key may come from an option", async () => {
    const policy = singleFlight();
    const { calls, work } = counted();
    for (const key of ["a", "b", undefined, undefined]) {
      note(clock, endings, pipelineOn(clock, policy), work, { key });
    }
    expect(calls).toHaveLength(4);
    expect(policy.stats()).toMatchObject({ alone: 2, keys: 2 });
    const same = counted();
    const byOption = pipelineOn(clock, singleFlight({ key: () => "always" }));
    note(clock, endings, byOption, same.work, { key: "a" });
    note(clock, endings, byOption, same.work);
    expect(same.calls).toHaveLength(1);
  });

  test("one who matters more does not join a flight that may be shed before him", async () => {
    const policy = pipelineOn(clock, singleFlight());
    const { calls, work } = counted();
    note(clock, endings, policy, work, { key: "a", criticality: "sheddable" });
    note(clock, endings, policy, work, { key: "a", criticality: "critical" });
    note(clock, endings, policy, work, { key: "a", criticality: "sheddable-plus" });
    expect(calls.map(({ criticality }) => criticality)).toEqual(["sheddable", "critical"]);
  });

  test("beyond keysMax fly alone, and the map stays as small", async () => {
    const policy = singleFlight({ keysMax: 2 });
    const { work } = counted();
    for (const key of ["a", "b", "c", "d", "a"]) {
      note(clock, endings, pipelineOn(clock, policy), work, { key });
    }
    expect(policy.stats()).toMatchObject({ keys: 2, alone: 2, joined: 1 });
  });
});

describe("giving up", () => {
  test("one caller's abort settles that caller only; the flight goes on for the others", async () => {
    const policy = pipelineOn(clock, singleFlight());
    const { calls, work } = counted(30);
    const first = new AbortController();
    note(clock, endings, policy, work, { key: "a", signal: first.signal });
    note(clock, endings, policy, work, { key: "a" });
    await clock.advanceAsync(10);
    first.abort(new Error("gone"));
    await clock.advanceAsync(0);
    expect(endings).toMatchObject([{ error: new Error("gone"), tookMs: 10 }]);
    expect(calls[0]?.aborted).toBe(false);
    await clock.advanceAsync(20);
    expect(endings[1]).toEqual({ value: 1, tookMs: 30 });
  });

  test("the flight is aborted when all have gone, and the next caller begins anew", async () => {
    const policy = singleFlight();
    const { calls, work } = counted(30, 10);
    const controllers = [new AbortController(), new AbortController()];
    for (const { signal } of controllers) {
      note(clock, endings, pipelineOn(clock, policy), work, { key: "a", signal });
    }
    for (const controller of controllers) controller.abort(new Error("gone"));
    expect(calls[0]?.aborted).toBe(true);
    expect(policy.stats()).toMatchObject({ abandoned: 1, keys: 0, waiting: 0 });
    note(clock, endings, pipelineOn(clock, policy), work, { key: "a" });
    await clock.advanceAsync(10);
    expect(endings.at(-1)).toEqual({ value: 2, tookMs: 10 });
  });

  test("the deadline of one caller is not the flight's", async () => {
    const policy = pipelineOn(clock, singleFlight());
    const { calls, work } = counted(100);
    note(clock, endings, policy, work, { key: "a", deadlineInMs: 24 });
    note(clock, endings, policy, work, { key: "a" });
    expect(calls[0]?.deadlineMs).toBe(Infinity);
    await clock.advanceAsync(100);
    expect(endings).toMatchObject([{ code: "DEADLINE_EXCEEDED", tookMs: 24 }, { value: 1 }]);
  });
});

describe("a flight that hangs", () => {
  test("1,000 callers hung behind one: the next of them sets out, and answers them all", async () => {
    const policy = singleFlight({ maxAgeMs: 80 });
    const { calls, work } = counted(1e6, 10);
    for (let i = 0; i < 1_000; i++) {
      note(clock, endings, pipelineOn(clock, policy), work, { key: "a" });
    }
    await clock.advanceAsync(90);
    expect(calls).toHaveLength(2);
    expect(endings).toEqual(new Array(1_000).fill({ value: 2, tookMs: 90 }));
    expect(calls[0]?.reason).toMatchObject({ code: "HEDGE_LOST" });
    expect(policy.stats()).toMatchObject({ relieved: 1, waiting: 0, keys: 0 });
  });

  test("goes on hanging: one more sets out every maxAgeMs, never one twice", async () => {
    const policy = singleFlight({ maxAgeMs: 80 });
    const { calls, work } = counted(1e6, 1e6, 1e6, 1e6);
    for (let i = 0; i < 3; i++) note(clock, endings, pipelineOn(clock, policy), work, { key: "a" });
    for (const flights of [1, 2, 3, 3, 3]) {
      expect(calls).toHaveLength(flights);
      await clock.advanceAsync(80);
    }
  });

  test("is not joined once it is maxAgeMs old, nor does its late answer reach who came then", async () => {
    const policy = pipelineOn(clock, singleFlight({ maxAgeMs: 80 }));
    const { calls, work } = counted(100, 100);
    note(clock, endings, policy, work, { key: "a" });
    await clock.advanceAsync(80);
    note(clock, endings, policy, work, { key: "a" });
    expect(calls).toHaveLength(2);
    await clock.advanceAsync(100);
    expect(endings).toEqual([
      { value: 1, tookMs: 100 },
      { value: 2, tookMs: 100 },
    ]);
  });

  test("is joined until then", async () => {
    const policy = pipelineOn(clock, singleFlight({ maxAgeMs: 80 }));
    const { calls, work } = counted(80);
    note(clock, endings, policy, work, { key: "a" });
    await clock.advanceAsync(79);
    note(clock, endings, policy, work, { key: "a" });
    await clock.advanceAsync(1);
    expect(calls).toHaveLength(1);
    expect(endings.map(({ tookMs }) => tookMs)).toEqual([80, 1]);
  });

  test("is not waited for once all have been answered: no timer stays behind", async () => {
    const policy = pipelineOn(clock, singleFlight({ maxAgeMs: 60_000 }));
    const { work } = counted(10);
    for (let i = 0; i < 2; i++) note(clock, endings, policy, work, { key: "a" });
    await clock.advanceAsync(5_000);
    expect(clock.pendingTimers).toBe(0);
  });

  test("and a relief that fails leaves the others to the flight that is still in the air", async () => {
    const policy = pipelineOn(clock, singleFlight({ maxAgeMs: 40 }));
    let n = 0;
    const work = (call: Call) =>
      n++ === 0 ? takes(clock, 70, "late")(call) : takes(clock, 5, new Error("broken"))(call);
    for (let i = 0; i < 2; i++) note(clock, endings, policy, work, { key: "a" });
    await clock.advanceAsync(70);
    expect(endings.map(({ value }) => value)).toEqual(["late", "late"]);
  });

  test("a retry inside works for all who share the flight", async () => {
    const backoff = { baseMs: 10, jitter: "none" } as const;
    const policy = pipelineOn(clock, singleFlight(), retry({ backoff, evenIfNotIdempotent: true }));
    let n = 0;
    const work = () => (n++ === 0 ? Promise.reject(new Error("once")) : "again");
    for (let i = 0; i < 2; i++) note(clock, endings, policy, work, { key: "a" });
    await clock.advanceAsync(10);
    expect(endings.map(({ value }) => value)).toEqual(["again", "again"]);
  });
});

test("a key function that throws rejects its call", async () => {
  const key = () => {
    throw new Error("bug");
  };
  await expect(pipelineOn(clock, singleFlight({ key })).call(() => 1)).rejects.toThrow("bug");
});

test("options out of range are refused by name", () => {
  expect(() => singleFlight({ maxAgeMs: 0 })).toThrow("maxAgeMs must be a number above 0, got 0");
  expect(() => singleFlight({ keysMax: 0.5 })).toThrow("keysMax must be a whole number from 1");
  expect(() => singleFlight({ key: "a" as never })).toThrow("key must be a function, got string");
});
