import { ManualClock, sleep, systemClock } from "@compendium/runtime";
import { expect, test } from "vitest";

test("resolves once its time has come on the clock it was given", async () => {
  const clock = new ManualClock();
  let awake = false;
  const sleeping = sleep(10, { clock }).then(() => {
    awake = true;
  });
  await clock.advanceAsync(9.5);
  expect(awake).toBe(false);
  await clock.advanceAsync(0.5);
  expect(awake).toBe(true);
  await sleeping;
});

test("an abort rejects with the signal's reason at once, and leaves no timer behind", async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const sleeping = sleep(10, { clock, signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  expect(clock.pendingTimers).toBe(0);
  await expect(sleeping).rejects.toBe(reason);
});

test("a signal that has fired before refuses at once, without a timer", async () => {
  const clock = new ManualClock();
  await expect(sleep(10, { clock, signal: AbortSignal.abort("no") })).rejects.toBe("no");
  expect(clock.pendingTimers).toBe(0);
});

test("waits on the system clock by default", async () => {
  const startedAtMs = systemClock.now();
  await sleep(2);
  expect(systemClock.now() - startedAtMs).toBeGreaterThanOrEqual(2);
});

test("refuses what is no duration", () => {
  for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => sleep(ms)).toThrow(/ms must be a finite number >= 0, got/);
  }
});
