// The one timer of all deadlines (src/deadline-wheel.ts).
import { type Clock, checkTimer, ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { expect } from "vitest";
import type { Specs } from "./subject.ts";

const LATE_MS_MAX = 16;

/** A clock whose process may stall: time jumps, and then whatever is due fires. */
class StallingClock implements Clock {
  #now = 0;
  #timers: { atMs: number; fn: () => void }[] = [];
  timersSet = 0;

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return 0;
  }

  setTimer(atMs: number, fn: () => void): Disposable {
    checkTimer(atMs, fn);
    const timer = { atMs, fn };
    this.timersSet++;
    this.#timers.push(timer);
    return {
      [Symbol.dispose]: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  jump(ms: number): void {
    this.#now += ms;
    for (let rounds = 0; rounds < 3; rounds++) {
      const due = this.#timers.filter(({ atMs }) => atMs <= this.#now);
      this.#timers = this.#timers.filter(({ atMs }) => atMs > this.#now);
      for (const { fn } of due) fn();
    }
  }
}

const addition = fc.record({
  kind: fc.constant("add" as const),
  // From the past to three turns of the wheel ahead.
  inMs: fc.oneof(
    fc.double({ min: -50, max: 150, noNaN: true }),
    fc.double({ min: 0, max: 6_500, noNaN: true }),
  ),
});
const cancellation = fc.record({ kind: fc.constant("cancel" as const), which: fc.nat(30) });
const passage = fc.record({
  kind: fc.constant("pass" as const),
  ms: fc.oneof(fc.double({ min: 0, max: 40, noNaN: true }), fc.integer({ min: 0, max: 5_000 })),
});
const schedule = fc.array(fc.oneof(addition, cancellation, passage), { maxLength: 60 });

export const deadlineWheelSpecs: Specs = {
  "a deadline fires once, never early, and at most two ticks late; a cancelled one never": ({
    DeadlineWheel,
  }) => {
    fc.assert(
      fc.property(schedule, fc.boolean(), (steps, stalls) => {
        const clock = stalls ? new StallingClock() : new ManualClock();
        const wheel = new DeadlineWheel(clock);
        const entries: { dueMs: number; firedMs: number[]; cancel: () => void; over: boolean }[] =
          [];
        for (const step of steps) {
          if (step.kind === "add") {
            const dueMs = clock.now() + step.inMs;
            const entry = { dueMs, firedMs: [] as number[], cancel: () => {}, over: false };
            const timer = wheel.add(dueMs, () => {
              expect(entry.over, "fired after it was cancelled").toBe(false);
              entry.firedMs.push(clock.now());
              entry.over = true;
            });
            entry.dueMs = Math.max(dueMs, clock.now());
            entry.cancel = () => timer.cancel();
            entries.push(entry);
          } else if (step.kind === "cancel") {
            const entry = entries[step.which];
            entry?.cancel();
            if (entry !== undefined) entry.over = true;
          } else if (clock instanceof ManualClock) clock.advance(step.ms);
          else clock.jump(step.ms);
          for (const { dueMs, over } of entries) {
            if (!over) expect(clock.now()).toBeLessThan(dueMs + LATE_MS_MAX);
          }
          expect(wheel.size).toBe(entries.filter(({ over }) => !over).length);
        }
        for (const { dueMs, firedMs } of entries) {
          expect(firedMs.length).toBeLessThanOrEqual(1);
          for (const atMs of firedMs) {
            expect(atMs).toBeGreaterThanOrEqual(dueMs);
            if (!stalls) expect(atMs).toBeLessThan(dueMs + LATE_MS_MAX);
          }
        }
      }),
      { numRuns: 300 },
    );
  },

  "an entry that is a turn or more ahead waits in its slot for its own tick": ({
    DeadlineWheel,
  }) => {
    const clock = new ManualClock();
    const wheel = new DeadlineWheel(clock);
    const fired: number[] = [];
    // 44, 300 and 556 leave the same rest divided by 256.
    for (const tick of [556, 44, 300]) wheel.add(8 * tick, () => fired.push(tick, clock.now()));
    clock.advance(10_000);
    expect(fired).toEqual([44, 352, 300, 2_400, 556, 4_448]);
  },

  "what is due together fires in the order of the ticks": ({ DeadlineWheel }) => {
    const clock = new StallingClock();
    const wheel = new DeadlineWheel(clock);
    const fired: number[] = [];
    for (const atMs of [3_000, 80, 2_100, 500]) wheel.add(atMs, () => fired.push(atMs));
    clock.jump(10_000);
    expect(fired).toEqual([80, 500, 2_100, 3_000]);
  },

  "one that throws keeps neither the others nor the wheel from going on": ({ DeadlineWheel }) => {
    const clock = new ManualClock();
    const wheel = new DeadlineWheel(clock);
    const fired: string[] = [];
    // Which of those of one tick fires first is nobody's business: one on either side.
    wheel.add(10, () => fired.push("beside"));
    wheel.add(10, () => {
      throw new Error("mine");
    });
    wheel.add(10, () => fired.push("beside"));
    wheel.add(500, () => fired.push("later"));
    expect(() => clock.advance(100)).toThrow("mine");
    expect(fired).toEqual(["beside", "beside"]);
    clock.advance(1_000);
    wheel.add(clock.now() + 10, () => fired.push("new"));
    clock.advance(100);
    expect(fired).toEqual(["beside", "beside", "later", "new"]);
  },

  "what fires may cancel what is due with it, and add more": ({ DeadlineWheel }) => {
    const clock = new ManualClock();
    const wheel = new DeadlineWheel(clock);
    const fired: [string, number][] = [];
    const note = (name: string) => () => fired.push([name, clock.now()]);
    wheel.add(100, note("waits"));
    const first = wheel.add(10, () => {
      second.cancel();
      // Sets the timer for itself; the one that waits is due before.
      wheel.add(120, note("added"));
    });
    const second = wheel.add(10, () => {
      first.cancel();
      wheel.add(120, note("added"));
    });
    clock.advance(1_000);
    expect(fired).toEqual([
      ["waits", 104],
      ["added", 120],
    ]);
    expect(wheel.size).toBe(0);
  },

  "a deadline that has passed fires on a later turn, not inside add": ({ DeadlineWheel }) => {
    const clock = new ManualClock({ nowMs: 1_000 });
    const wheel = new DeadlineWheel(clock);
    let fired = 0;
    wheel.add(-5, () => fired++);
    wheel.add(Number.NEGATIVE_INFINITY, () => fired++);
    expect(fired).toBe(0);
    clock.advance(8);
    expect(fired).toBe(2);
  },

  "an empty wheel sets no timer, and a lone far deadline wakes it eight times a second": ({
    DeadlineWheel,
  }) => {
    const clock = new StallingClock();
    const wheel = new DeadlineWheel(clock);
    wheel.add(30_000, () => {});
    const cancelled = wheel.add(60_000, () => {});
    cancelled.cancel();
    cancelled.cancel();
    while (clock.now() < 31_000) clock.jump(1);
    expect(clock.timersSet).toBeLessThan(8 * 31 + 20);
    expect(clock.pendingTimers).toBe(0);
    const before = clock.timersSet;
    wheel.add(clock.now() + 100, () => {});
    while (wheel.size > 0) clock.jump(1);
    expect(clock.timersSet - before).toBe(1);
  },

  "a deadline must be a number, and finite": ({ DeadlineWheel }) => {
    const wheel = new DeadlineWheel(new ManualClock());
    for (const deadlineMs of [Number.NaN, Infinity]) {
      expect(() => wheel.add(deadlineMs, () => {})).toThrow(RangeError);
    }
    expect(wheel.size).toBe(0);
  },

  "a clock has one wheel": ({ wheelOf }) => {
    const clock = new ManualClock();
    expect(wheelOf(clock)).toBe(wheelOf(clock));
    expect(wheelOf(new ManualClock())).not.toBe(wheelOf(clock));
  },
};
