import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { percentile } from "../src/measure.ts";
import { straggling } from "../src/preview.ts";
import { type X4Scenario, x4Scenario } from "../src/x4-scenario.ts";
import { predictHedged, predictMeshHedged, predictUnhedged } from "../src/x4-theory.ts";
import { simulateX4 } from "./simulated-x4.ts";

const varied = (change: Partial<X4Scenario["preview"]>): X4Scenario => ({
  ...x4Scenario,
  preview: { ...x4Scenario.preview, ...change },
});

describe("X4, worked out by hand: 2 % take 800 ms, the others 10 to 20 ms", () => {
  test("off: every percentile above the 98th is a straggler", () => {
    expect(predictUnhedged(x4Scenario)).toEqual({
      p50Ms: 10 + (10 * 50) / 98,
      p99Ms: 800,
      p999Ms: 800,
      extraShare: 0,
    });
  });

  test("on: the 99th is the middle of the overtaken: delay, half a tick, half of quick", () => {
    const { p50Ms, p99Ms, p999Ms, extraShare } = predictHedged(x4Scenario);
    expect(p50Ms).toBe(10 + (10 * 50) / 98);
    // The 95th percentile is 10 + 10 · 95 / 98 = 19.7 ms; then 4 ms on the wheel, and 15 ms. Half
    // of the stragglers are 51 % of those that a hedge overtakes: 0.1 ms more than the middle.
    expect(p99Ms).toBeCloseTo(19.69 + 4 + 15 + 0.1, 1);
    // The very last of the overtaken take 19.7 + 8 + 20 ms; 95 / 98 of them, on the falling side
    // of the trapezoid, are quicker than that by √(2 · 8 · 10 · 3 / 98) ms.
    expect(p999Ms).toBeCloseTo(19.69 + 8 + 20 - 2.21, 1);
    expect(extraShare).toBe(0.02);
  });
});

describe("in a sidecar, which asks again after 40 ms", () => {
  test("the overtaken take 40 ms and a quick call, and nobody waits for a wheel", () => {
    const { p50Ms, p99Ms, p999Ms, extraShare } = predictMeshHedged(x4Scenario);
    expect(p50Ms).toBe(10 + (10 * 50) / 98);
    // Half of the stragglers are 51 % of the overtaken; 95 % of them are 96.9 %.
    expect(p99Ms).toBeCloseTo(40 + 10 + 5.1, 1);
    expect(p999Ms).toBeCloseTo(40 + 10 + 9.69, 1);
    expect(extraShare).toBe(0.02);
  });

  test("drawn call by call, it comes to the same", () => {
    const { preview, mesh } = x4Scenario;
    const next = straggling(preview);
    const samples = Array.from({ length: 200_000 }, () => {
      const firstMs = next();
      const isHedged = firstMs > mesh.hedgeAfterMs;
      return { tookMs: isHedged ? Math.min(firstMs, mesh.hedgeAfterMs + next()) : firstMs };
    });
    const predicted = predictMeshHedged(x4Scenario);
    expect(Math.abs(percentile(samples, 0.5) - predicted.p50Ms)).toBeLessThan(0.1);
    expect(Math.abs(percentile(samples, 0.99) - predicted.p99Ms)).toBeLessThan(0.4);
    expect(Math.abs(percentile(samples, 0.999) - predicted.p999Ms)).toBeLessThan(0.4);
  });

  test("a delay among the quick calls, or too late for the stragglers, is refused", () => {
    const after = (hedgeAfterMs: number) => ({ ...x4Scenario, mesh: { hedgeAfterMs } });
    expect(() => predictMeshHedged(after(19))).toThrow(RangeError);
    expect(() => predictMeshHedged(after(781))).toThrow(RangeError);
    expect(() => predictMeshHedged(after(Number.NaN))).toThrow(RangeError);
  });
});

test("where both attempts are often slow, hedging does not save the 99.9th percentile", () => {
  expect(predictHedged(varied({ stragglerShare: 0.03 })).p999Ms).toBeLessThan(60);
  expect(predictHedged(varied({ stragglerShare: 0.04 })).p999Ms).toBe(800);
  expect(predictHedged(varied({ stragglerShare: 0.04 })).p99Ms).toBeLessThan(60);
});

test("a percentile among the stragglers would hedge nothing in time, and is refused", () => {
  expect(() => predictHedged(varied({ stragglerShare: 0.051 }))).toThrow(RangeError);
});

test("percentiles rise with q, whatever the service is like", () => {
  const preview = fc.record({
    quickMsMin: fc.integer({ min: 1, max: 20 }),
    quickMsMax: fc.integer({ min: 21, max: 60 }),
    stragglerShare: fc.double({ min: 0.001, max: 0.05, noNaN: true }),
    stragglerMs: fc.integer({ min: 200, max: 2_000 }),
  });
  fc.assert(
    fc.property(preview, (change) => {
      const scenario = varied(change);
      for (const predict of [predictUnhedged, predictHedged]) {
        const { p50Ms, p99Ms, p999Ms } = predict(scenario);
        expect(p50Ms).toBeLessThanOrEqual(p99Ms);
        expect(p99Ms).toBeLessThanOrEqual(p999Ms);
        expect(p999Ms).toBeLessThanOrEqual(scenario.preview.stragglerMs);
      }
    }),
  );
});

test("in virtual time, the edge's own pipeline does as predicted, over many calls", async () => {
  const previews = 20_000;
  const off = await simulateX4(x4Scenario, { hedging: false, previews, clock: new ManualClock() });
  const on = await simulateX4(x4Scenario, { hedging: true, previews, clock: new ManualClock() });
  const unhedged = predictUnhedged(x4Scenario);
  const hedged = predictHedged(x4Scenario);
  expect(off.calls).toBe(previews);
  expect(percentile(off.samples, 0.99)).toBe(unhedged.p99Ms);
  expect(Math.abs(percentile(off.samples, 0.5) - unhedged.p50Ms)).toBeLessThan(0.2);
  expect(Math.abs(percentile(on.samples, 0.5) - hedged.p50Ms)).toBeLessThan(0.2);
  // The estimate of the percentile is up to 1/32 too high.
  expect(Math.abs(percentile(on.samples, 0.99) - hedged.p99Ms)).toBeLessThan(1.5);
  expect(Math.abs(percentile(on.samples, 0.999) - hedged.p999Ms)).toBeLessThan(2.5);
  expect(Math.abs((on.calls - previews) / previews - hedged.extraShare)).toBeLessThan(0.003);
  expect(on.abandoned).toBe(on.calls - previews);
  // Two at once: 0.04 % of the calls.
  const bothSlow = on.samples.filter(({ tookMs }) => tookMs === 800).length / previews;
  expect(bothSlow).toBeGreaterThan(0);
  expect(bothSlow).toBeLessThan(0.001);
});
