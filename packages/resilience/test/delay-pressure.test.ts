import { expect, test } from "vitest";
import { CLASS, DelayPressure } from "../src/delay-pressure.ts";

const TARGET_MS = 20;
const INTERVAL_MS = 10;

/** A queue in which `waiting` wait all the time, and `starts` start in each interval. */
function standing(pressure: DelayPressure, waiting: number, starts: number, intervals: number) {
  let now = 0;
  pressure.at(now);
  for (let i = 0; i < waiting; i++) pressure.arrived(now);
  for (let i = 0; i < intervals; i++) {
    for (let j = 0; j < starts; j++) {
      pressure.arrived(now);
      pressure.started(now);
    }
    now += INTERVAL_MS;
    pressure.at(now);
  }
  return now;
}

test("Little's law: who comes now waits as long as those who wait take to start", () => {
  const pressure = new DelayPressure(TARGET_MS, INTERVAL_MS, 4 * CLASS);
  standing(pressure, 6, 2, 3);
  expect(pressure.delayMs).toBe(30);
});

test("the pressure rises with how far the delay is above the target, by half a class at most", () => {
  const riseAt = (waiting: number) => {
    const pressure = new DelayPressure(TARGET_MS, INTERVAL_MS, 4 * CLASS);
    // In the first interval, there was a moment when nobody waited.
    return pressure.at(standing(pressure, waiting, 1, 2));
  };
  expect([2, 3, 4, 8, 10, 11, 500].map(riseAt)).toEqual([0, 150, 200, 400, 500, 500, 500]);
});

test("it stays between none and all, and falls by a twentieth of a class", () => {
  const pressure = new DelayPressure(TARGET_MS, INTERVAL_MS, 4 * CLASS);
  const calm = standing(pressure, 0, 5, 100);
  expect(pressure.at(calm)).toBe(0);
  const worst = new DelayPressure(TARGET_MS, INTERVAL_MS, 4 * CLASS);
  let now = standing(worst, 500, 1, 100);
  expect(worst.at(now)).toBe(4 * CLASS);
  for (let i = 0; i < 500; i++) worst.left(now);
  const fallen = [0, 0, 0].map(() => {
    now += INTERVAL_MS;
    return worst.at(now);
  });
  expect(fallen).toEqual([3_950, 3_900, 3_850]);
});

test("while the queue drains, it stays as it is", () => {
  const pressure = new DelayPressure(TARGET_MS, INTERVAL_MS, 4 * CLASS);
  let now = standing(pressure, 100, 1, 2);
  const before = pressure.at(now);
  for (let waiting = 100; waiting > 40; waiting -= 10) {
    for (let i = 0; i < 10; i++) pressure.started(now);
    now += INTERVAL_MS;
    expect(pressure.at(now)).toBe(before);
  }
});

test("a pause between two starts that is shorter than the target is none", () => {
  const pressure = new DelayPressure(TARGET_MS, INTERVAL_MS, 4 * CLASS);
  pressure.at(0);
  for (let i = 0; i < 5; i++) pressure.arrived(0);
  pressure.started(5);
  pressure.started(15);
  const [started, paused, stopped] = [20, 30, 40].map((now) => pressure.at(now));
  expect([started, paused, stopped]).toEqual([150, 100, 600]);
  expect(pressure.delayMs).toBe(Infinity);
});

test("intervals that nobody looked at are judged when somebody does", () => {
  const stuck = new DelayPressure(TARGET_MS, INTERVAL_MS, 4 * CLASS);
  stuck.at(0);
  stuck.arrived(0);
  expect(stuck.at(1e6)).toBe(4 * CLASS);
  stuck.left(1e6);
  expect(stuck.at(1e6 + 10 * INTERVAL_MS)).toBe(3_500);
  expect(stuck.at(1e12)).toBe(0);
});
