import { systemClock } from "@compendium/runtime";
import { describe, expect, test, vi } from "vitest";
import { describeClock } from "./clock.contract.ts";

describe("systemClock", () => {
  describeClock(() => ({
    clock: systemClock,
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  }));

  test("a delay above 2^31 - 1 ms, at which setTimeout fires at once, waits its time", () => {
    vi.useFakeTimers();
    try {
      const delayMs = 2 ** 32;
      let firedAtMs: number | undefined;
      const startedAtMs = systemClock.now();
      systemClock.setTimer(startedAtMs + delayMs, () => {
        firedAtMs = systemClock.now();
      });
      vi.advanceTimersByTime(delayMs - 1);
      expect(firedAtMs).toBeUndefined();
      vi.advanceTimersByTime(2);
      expect(firedAtMs).toBeGreaterThanOrEqual(startedAtMs + delayMs);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test("an early setTimeout is waited out: a callback never reads a now() before its time", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const now = vi.spyOn(performance, "now");
    try {
      let fired = 0;
      now.mockReturnValue(1_000);
      systemClock.setTimer(1_010, () => fired++);
      now.mockReturnValue(1_009.4);
      vi.advanceTimersByTime(10);
      expect(fired).toBe(0);
      now.mockReturnValue(1_010.4);
      vi.advanceTimersByTime(1);
      expect(fired).toBe(1);
    } finally {
      now.mockRestore();
      vi.useRealTimers();
    }
  });

  test("wallMs is the calendar's time", () => {
    const before = Date.now();
    const wallMs = systemClock.wallMs();
    expect(wallMs).toBeGreaterThanOrEqual(before);
    expect(wallMs).toBeLessThanOrEqual(Date.now());
  });
});
