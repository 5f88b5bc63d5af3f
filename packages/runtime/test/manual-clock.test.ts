import { ManualClock } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import { describeClock } from "./clock.contract.ts";

describe("ManualClock", () => {
  describeClock(() => {
    const clock = new ManualClock();
    return { clock, pass: (ms) => clock.advanceAsync(ms) };
  });

  test("stands still until it is moved", () => {
    const clock = new ManualClock({ nowMs: 5, wallMs: 1_000 });
    expect([clock.now(), clock.wallMs()]).toEqual([5, 1_000]);
    clock.advance(2.5);
    expect([clock.now(), clock.wallMs()]).toEqual([7.5, 1_002.5]);
    clock.advanceTo(10);
    expect([clock.now(), clock.wallMs()]).toEqual([10, 1_005]);
  });

  test("stepWall moves the wall clock only, in either direction, and no timer notices", () => {
    const clock = new ManualClock({ wallMs: 1_000 });
    let fired = 0;
    clock.setTimer(10, () => fired++);
    clock.stepWall(3_600_000);
    expect([clock.now(), clock.wallMs(), fired]).toEqual([0, 3_601_000, 0]);
    clock.stepWall(-7_200_000);
    expect([clock.now(), clock.wallMs()]).toEqual([0, -3_599_000]);
    clock.advance(10);
    expect(fired).toBe(1);
  });

  test("timers fire in order of time, then of creation, each at its own time", () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    for (const [name, atMs] of Object.entries({ c: 20, a: 10, d: 20, b: 10 })) {
      clock.setTimer(atMs, () => fired.push(`${name}@${clock.now()}`));
    }
    clock.advance(30);
    expect(fired).toEqual(["a@10", "b@10", "c@20", "d@20"]);
    expect(clock.now()).toBe(30);
  });

  test("disposing a timer twice takes no other with it", () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    clock.setTimer(10, () => fired.push("early"));
    const middle = clock.setTimer(20, () => fired.push("middle"));
    clock.setTimer(30, () => fired.push("late"));
    middle[Symbol.dispose]();
    middle[Symbol.dispose]();
    clock.advance(30);
    expect(fired).toEqual(["early", "late"]);
  });

  test("a timer set inside an advance fires in it if it is due, and else stays", () => {
    const clock = new ManualClock();
    const fired: number[] = [];
    const tick = () => {
      fired.push(clock.now());
      clock.setTimer(clock.now() + 10, tick);
    };
    clock.setTimer(10, tick);
    clock.advance(35);
    expect(fired).toEqual([10, 20, 30]);
    expect(clock.pendingTimers).toBe(1);
    expect(clock.nextTimerMs).toBe(40);
  });

  test("a timer set in the past fires at the next advance and does not turn time back", () => {
    const clock = new ManualClock({ nowMs: 100 });
    const fired: number[] = [];
    clock.setTimer(1, () => fired.push(clock.now()));
    clock.advance(0);
    expect(fired).toEqual([100]);
  });

  test("an advance inside a callback never turns time back for the one around it", () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    clock.setTimer(5, () => clock.advance(20));
    clock.setTimer(7, () => seen.push(clock.now()));
    clock.setTimer(30, () => seen.push(clock.now()));
    clock.advance(10);
    expect(clock.now()).toBe(25);
    expect(seen).toEqual([7]);
  });

  test("a timer that throws does not lose the others; what it threw comes out last", () => {
    const clock = new ManualClock();
    const boom = new Error("boom");
    let fired = 0;
    clock.setTimer(1, () => {
      throw boom;
    });
    clock.setTimer(2, () => fired++);
    expect(() => clock.advance(3)).toThrow(boom);
    expect([fired, clock.now(), clock.pendingTimers]).toEqual([1, 3, 0]);

    for (const atMs of [4, 5]) {
      clock.setTimer(atMs, () => {
        throw boom;
      });
    }
    expect(() => clock.advance(3)).toThrow(AggregateError);
  });

  test("timers that set each other without time moving end in an error, not in a hang", () => {
    const clock = new ManualClock();
    const again = () => {
      clock.setTimer(clock.now(), again);
    };
    again();
    expect(() => clock.advance(1)).toThrow("time does not move");
  });

  test("pendingTimers counts those that have neither fired nor been disposed", () => {
    const clock = new ManualClock();
    const [first] = [10, 10, 20].map((atMs) => clock.setTimer(atMs, () => {}));
    expect(clock.pendingTimers).toBe(3);
    first?.[Symbol.dispose]();
    expect(clock.pendingTimers).toBe(2);
    clock.advance(10);
    expect(clock.pendingTimers).toBe(1);
    expect(clock.nextTimerMs).toBe(20);
  });

  test("advanceAsync lets whole chains of promises run between two timers", async () => {
    const clock = new ManualClock();
    const seen: string[] = [];
    clock.setTimer(10, async () => {
      for (let link = 0; link < 50; link++) await null;
      seen.push(`chain@${clock.now()}`);
      clock.setTimer(15, () => seen.push(`set by chain@${clock.now()}`));
    });
    clock.setTimer(20, () => seen.push(`late@${clock.now()}`));
    await clock.advanceAsync(30);
    expect(seen).toEqual(["chain@10", "set by chain@15", "late@20"]);
    expect(clock.now()).toBe(30);
  });

  test("advanceAsync also runs what was pending before it, and after the last timer", async () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    Promise.resolve()
      .then(() => {})
      .then(() => clock.setTimer(5, () => seen.push(clock.now())));
    clock.setTimer(8, async () => {
      await null;
      await null;
      seen.push(clock.now());
    });
    await clock.advanceToAsync(10);
    expect(seen).toEqual([5, 8]);
  });

  test("advanceAsync rejects with what a timer threw, after the others have fired", async () => {
    const clock = new ManualClock();
    const boom = new Error("boom");
    let fired = 0;
    clock.setTimer(1, () => {
      throw boom;
    });
    clock.setTimer(2, () => fired++);
    await expect(clock.advanceAsync(3)).rejects.toBe(boom);
    expect([fired, clock.now()]).toEqual([1, 3]);
  });

  test("refuses to go back, and values that are no time", async () => {
    const clock = new ManualClock({ nowMs: 10 });
    expect(() => clock.advance(-1)).toThrow("ms must not be negative, got -1");
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
    expect(() => clock.advanceTo(9)).toThrow("atMs must not lie before now (10), got 9");
    expect(() => clock.advanceTo(Number.POSITIVE_INFINITY)).toThrow(RangeError);
    await expect(clock.advanceAsync(-1)).rejects.toThrow(RangeError);
    expect(() => clock.stepWall(Number.NaN)).toThrow(RangeError);
    expect(() => new ManualClock({ nowMs: Number.NaN })).toThrow("nowMs");
    expect(() => clock.setTimer(1, undefined as never)).toThrow(TypeError);
  });
});
