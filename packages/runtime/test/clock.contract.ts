// What every Clock promises, whoever moves it. `pass` lets time reach `now() + ms`.

import type { Clock } from "@compendium/runtime";
import { expect, test } from "vitest";

export interface ClockUnderTest {
  clock: Clock;
  pass(ms: number): Promise<void>;
}

export function describeClock(make: () => ClockUnderTest): void {
  test("a timer fires once, and never before its time by now()", async () => {
    const { clock, pass } = make();
    const atMs = clock.now() + 3.25;
    const firedAtMs: number[] = [];
    clock.setTimer(atMs, () => firedAtMs.push(clock.now()));
    await pass(30);
    expect(firedAtMs).toHaveLength(1);
    expect(firedAtMs[0]).toBeGreaterThanOrEqual(atMs);
  });

  test("a time that has passed is due on a later turn, not inside setTimer", async () => {
    const { clock, pass } = make();
    let fired = false;
    clock.setTimer(clock.now() - 1_000, () => {
      fired = true;
    });
    expect(fired).toBe(false);
    await Promise.resolve();
    expect(fired).toBe(false);
    await pass(5);
    expect(fired).toBe(true);
  });

  test("a disposed timer never fires, and disposing again or too late does nothing", async () => {
    const { clock, pass } = make();
    const fired: string[] = [];
    const early = clock.setTimer(clock.now() + 1, () => fired.push("early"));
    early[Symbol.dispose]();
    early[Symbol.dispose]();
    const late = clock.setTimer(clock.now() + 1, () => fired.push("late"));
    await pass(20);
    late[Symbol.dispose]();
    await pass(5);
    expect(fired).toEqual(["late"]);
  });

  test("a timer may set another, and may dispose of one that is due", async () => {
    const { clock, pass } = make();
    const fired: string[] = [];
    clock.setTimer(clock.now() + 1, () => {
      fired.push("first");
      rival[Symbol.dispose]();
      clock.setTimer(clock.now() + 1, () => fired.push("second"));
    });
    const rival = clock.setTimer(clock.now() + 4, () => fired.push("rival"));
    await pass(40);
    expect(fired).toEqual(["first", "second"]);
  });

  test("now() never goes back", async () => {
    const { clock, pass } = make();
    const readings: number[] = [];
    for (let i = 0; i < 10; i++) {
      readings.push(clock.now());
      await pass(0);
    }
    expect(readings).toEqual(readings.toSorted((a, b) => a - b));
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "refuses a timer at %s",
    (atMs) => {
      const { clock } = make();
      expect(() => clock.setTimer(atMs, () => {})).toThrow(/atMs must be a finite number.*got/);
    },
  );
}
