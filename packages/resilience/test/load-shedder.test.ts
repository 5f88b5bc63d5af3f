import {
  bulkhead,
  type Criticality,
  loadShedder,
  type Policy,
  pipelineOn,
  timeout,
} from "@compendium/resilience";
import { ManualClock, type Random, SeededRandom } from "@compendium/runtime";
import { beforeEach, describe, expect, test } from "vitest";
import { type Ending, note, percentileOf, takes } from "./support/virtual.ts";

const CLASSES: Criticality[] = ["critical-plus", "critical", "sheddable-plus", "sheddable"];
const middling: Pick<Random, "below"> = { below: (n) => n / 2 };
let clock: ManualClock;
let endings: Ending[];
beforeEach(() => {
  clock = new ManualClock();
  endings = [];
});

/** Which classes are let in at a pressure. */
async function letIn(pressure: number): Promise<Criticality[]> {
  const policy = pipelineOn(clock, loadShedder({ pressure: () => pressure, random: middling }));
  const results = await Promise.allSettled(
    CLASSES.map((criticality) => policy.call(() => criticality, { criticality })),
  );
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

describe("pressure", () => {
  test("turns away one class after the other, the least critical first", async () => {
    expect(await letIn(0)).toEqual(CLASSES);
    expect(await letIn(0.5)).toEqual(CLASSES);
    expect(await letIn(0.501)).toEqual(CLASSES.slice(0, 3));
    expect(await letIn(1.501)).toEqual(CLASSES.slice(0, 2));
    expect(await letIn(2.501)).toEqual(CLASSES.slice(0, 1));
    expect(await letIn(3.5)).toEqual(CLASSES.slice(0, 1));
    expect(await letIn(4)).toEqual([]);
    expect(await letIn(1e9)).toEqual([]);
    expect(await letIn(Number.NaN)).toEqual(CLASSES);
  });

  test("within a class the key decides: who is served is served again, and others in an hour", async () => {
    const policy = pipelineOn(clock, loadShedder({ pressure: () => 0.3 }));
    const served = async () => {
      const keys: string[] = [];
      for (let i = 0; i < 2_000; i++) {
        const options = { key: `user-${i}`, criticality: "sheddable" } as const;
        await policy.call(() => keys.push(`user-${i}`), options).catch(() => {});
      }
      return keys;
    };
    const first = await served();
    expect(first.length / 2_000).toBeGreaterThan(0.66);
    expect(first.length / 2_000).toBeLessThan(0.74);
    expect(await served()).toEqual(first);
    clock.advance(3_600_000);
    expect(await served()).not.toEqual(first);
  });

  test("a key of a megabyte is not read to its end", async () => {
    const policy = pipelineOn(clock, loadShedder({ pressure: () => 0.5 }));
    const outcome = (key: string) =>
      policy.call(() => "in", { key, criticality: "sheddable" }).catch(() => "out");
    const long = "k".repeat(1e6);
    expect(await outcome(`${long}1`)).toBe(await outcome(`${long}2`));
  });
});

describe("calls in flight", () => {
  test("never exceed inFlightMax, and the last fifth of the places is for those who matter", async () => {
    const policy = loadShedder({ inFlightMax: 20, random: { below: () => 0 } });
    const calls = pipelineOn(clock, policy);
    const offer = (criticality: Criticality) => {
      for (let i = 0; i < 30; i++) {
        note(clock, endings, calls, () => new Promise(() => {}), { criticality });
      }
      return policy.stats().inFlight;
    };
    const filled = ["sheddable", "sheddable-plus", "critical", "critical-plus"] as const;
    expect(filled.map(offer)).toEqual([17, 18, 19, 20]);
  });

  test("a place is free when the work has ended, not when a timeout gave up on it", async () => {
    const policy = loadShedder({ inFlightMax: 1 });
    const calls = pipelineOn(clock, policy, timeout({ timeoutMs: 16 }));
    const deaf = () => new Promise((resolve) => clock.setTimer(100, () => resolve("late")));
    note(clock, endings, calls, deaf, { criticality: "critical-plus" });
    await clock.advanceAsync(50);
    expect(endings).toMatchObject([{ code: "TIMEOUT" }]);
    note(clock, endings, calls, deaf, { criticality: "critical-plus" });
    await clock.advanceAsync(50);
    expect(endings[1]).toMatchObject({ code: "SHED" });
    expect(policy.stats().inFlight).toBe(0);
  });
});

describe("work past its deadline", () => {
  test("is never started, whether it was late at the door or became so in a queue", async () => {
    const policy = loadShedder();
    const queue = bulkhead({ concurrencyMax: 1, queue: { lengthMax: 9 } });
    const calls = pipelineOn(clock, policy, queue);
    let started = 0;
    note(clock, endings, calls, takes(clock, 100, "first"));
    note(clock, endings, calls, () => started++, { deadlineInMs: 50 });
    await clock.advanceAsync(200);
    expect(started).toBe(0);
    expect(endings[0]).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(policy.stats()).toMatchObject({ admitted: 2, late: 0 });
    // The clock has passed the deadline, and the wheel has not yet told: within its 16 ms.
    const slow = pipelineOn(clock, policy, {
      kind: "custom",
      run: (call, next) =>
        new Promise((resolve) => clock.setTimer(call.deadlineMs, () => resolve(next(call)))),
    });
    note(clock, endings, slow, () => started++, { deadlineInMs: 50.5 });
    await clock.advanceAsync(50.5);
    await clock.advanceAsync(100);
    expect(started).toBe(0);
    expect(policy.stats()).toMatchObject({ admitted: 3, late: 1 });
    const late: Policy = { kind: "custom", run: (call, next) => next(call.fork(clock.now())) };
    note(clock, endings, pipelineOn(clock, late, policy), () => started++);
    await clock.advanceAsync(0);
    expect(endings.at(-1)).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(policy.stats()).toMatchObject({ admitted: 3, late: 2 });
  });
});

describe("under overload", () => {
  /** A server of 10 places and 10 ms a call, so 1,000 calls a second, with a bounded queue. */
  async function serve(
    perMs: number,
    ms: number,
    shed: ReturnType<typeof loadShedder> | undefined,
  ) {
    const random = new SeededRandom(9);
    const queue = bulkhead({ concurrencyMax: 10, queue: { lengthMax: 1_000 } });
    const calls = shed === undefined ? pipelineOn(clock, queue) : pipelineOn(clock, shed, queue);
    const byClass = Object.fromEntries(CLASSES.map((name) => [name, [] as Ending[]]));
    for (let now = 0; now < ms; now++) {
      for (let i = 0; i < perMs; i++) {
        const criticality = CLASSES[random.below(4)] as Criticality;
        note(clock, byClass[criticality] as Ending[], calls, takes(clock, 10, "ok"), {
          criticality,
        });
      }
      await clock.advanceAsync(1);
    }
    return byClass as Record<Criticality, Ending[]>;
  }
  const okOf = (endings: Ending[]) => endings.filter(({ value }) => value === "ok");
  const goodShare = (endings: Ending[]) => okOf(endings).length / endings.length;

  test("at twice its capacity those who matter are served in time; without it, hardly anybody", async () => {
    const shedder = loadShedder({ random: new SeededRandom(4) });
    await serve(2, 3_000, shedder);
    const after = await serve(2, 2_000, shedder);
    expect(goodShare(after["critical-plus"])).toBeGreaterThan(0.99);
    expect(goodShare(after.critical)).toBeGreaterThan(0.9);
    expect(goodShare(after.sheddable)).toBeLessThan(0.1);
    const tookMs = okOf(after["critical-plus"]).map((ending) => ending.tookMs);
    expect(percentileOf(tookMs, 99)).toBeLessThan(150);

    const without = await serve(2, 3_000, undefined);
    const lateMs = okOf(without["critical-plus"]).map((ending) => ending.tookMs);
    expect(percentileOf(lateMs, 50)).toBeGreaterThan(600);
  });

  test("it recovers when the load falls, and turns nobody away while there is room", async () => {
    const shedder = loadShedder({ random: new SeededRandom(4) });
    await serve(2, 2_000, shedder);
    expect(shedder.stats().pressure).toBeGreaterThan(1);
    await clock.advanceAsync(30_000);
    const before = shedder.stats().shed;
    const after = await serve(1, 500, shedder);
    expect(shedder.stats().shed).toEqual(before);
    expect(Object.values(after).every((ending) => ending.length > 0)).toBe(true);
  });

  test("a server that starts nothing at all is under pressure, too", async () => {
    const shedder = loadShedder({ random: middling });
    const queue = bulkhead({ concurrencyMax: 1, queue: { lengthMax: 9 } });
    const calls = pipelineOn(clock, shedder, queue);
    for (let i = 0; i < 2; i++) note(clock, endings, calls, () => new Promise(() => {}));
    clock.advance(10_000);
    note(clock, endings, calls, () => "never", { criticality: "critical-plus" });
    await clock.advanceAsync(0);
    expect(endings).toMatchObject([{ code: "SHED" }]);
    expect(shedder.stats().pressure).toBe(4);
  });

  test("one who waits for a moment is no overload, wherever the intervals end", async () => {
    const shedder = loadShedder({ random: { below: () => 0 } });
    const pausing = pipelineOn(clock, shedder, {
      kind: "custom",
      run: (call, next) =>
        new Promise((resolve) => {
          clock.setTimer(clock.now() + 10, () => resolve(next(call)));
        }),
    });
    for (let i = 0; i < 200; i++) {
      note(clock, endings, pausing, () => "ok", { criticality: "sheddable" });
      await clock.advanceAsync(97);
    }
    expect(endings.every(({ value }) => value === "ok")).toBe(true);
    expect(shedder.stats().pressure).toBe(0);
  });
});

test("options out of range are refused by name", () => {
  expect(() => loadShedder({ targetMs: 0 })).toThrow("targetMs must be a number above 0, got 0");
  expect(() => loadShedder({ intervalMs: -1 })).toThrow(
    "intervalMs must be a number above 0, got -1",
  );
  expect(() => loadShedder({ inFlightMax: 0 })).toThrow(
    "inFlightMax must be a whole number from 1",
  );
});
