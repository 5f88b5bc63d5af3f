import { SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LatencyQuantile } from "../src/latency-quantile.ts";
import { percentileOf } from "./support/virtual.ts";

const options = { percentile: 95, windowMs: 1_000, minimumCalls: 1 };
const latency = fc.oneof(
  fc.double({ min: 1 / 16, max: 130_000, noNaN: true }),
  fc.double({ min: 1, max: 50, noNaN: true }),
  fc.integer({ min: 1, max: 1_024 }),
);

test("the answer is above the exact percentile, and at most 1/32 above it", () => {
  fc.assert(
    fc.property(
      fc.array(latency, { minLength: 1, maxLength: 80 }),
      fc.double({ min: 0.5, max: 99.5, noNaN: true }),
      (latencies, percentile) => {
        const quantile = new LatencyQuantile({ ...options, percentile });
        for (const [i, ms] of latencies.entries()) {
          quantile.record(ms, 0);
          // Asked in between as well: the finger walks both ways.
          const exact = percentileOf(latencies.slice(0, i + 1), percentile);
          const answer = quantile.valueMs(0) as number;
          expect(answer).toBeGreaterThan(exact);
          expect(answer).toBeLessThanOrEqual(exact * (1 + 1 / 32));
        }
      },
    ),
  );
});

test("it looks back at least one window and at most two", () => {
  const sample = fc.record({
    gapMs: fc.oneof(fc.nat(700), fc.nat(3_500)),
    ms: fc.integer({ min: 1, max: 1_000 }),
  });
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 60 }), (samples) => {
      const quantile = new LatencyQuantile({ ...options, percentile: 99.9 });
      const seen: { atMs: number; ms: number }[] = [];
      let now = -5_000;
      for (const { gapMs, ms } of samples) {
        now += gapMs;
        quantile.record(ms, now);
        seen.push({ atMs: now, ms });
        const most = (fromMs: number) =>
          Math.max(...seen.filter(({ atMs }) => atMs > fromMs).map((one) => one.ms));
        const answer = quantile.valueMs(now) as number;
        expect(answer).toBeGreaterThan(most(now - 1_000));
        expect(answer).toBeLessThanOrEqual(most(now - 2_000) * (1 + 1 / 32));
      }
    }),
  );
});

test("there is no answer before minimumCalls, nor after two windows of silence", () => {
  const quantile = new LatencyQuantile({ ...options, minimumCalls: 3 });
  quantile.record(10, 0);
  quantile.record(10, 0);
  expect(quantile.valueMs(0)).toBe(undefined);
  quantile.record(10, 0);
  expect(quantile.valueMs(999)).toBe(10.25);
  expect(quantile.valueMs(1_999)).toBe(10.25);
  expect(quantile.valueMs(2_000)).toBe(undefined);
});

test("what no clock should measure counts as the nearest that can be", () => {
  const quantile = new LatencyQuantile(options);
  for (const ms of [0, -1, Number.NaN, 1e-9]) {
    quantile.record(ms, 0);
    expect(quantile.valueMs(0)).toBe(33 / 32 / 16);
  }
  for (let i = 0; i < 100; i++) quantile.record(Infinity, 0);
  expect(quantile.valueMs(0)).toBe(2 ** 17);
});

test("a slow hour is forgotten: the percentile follows the latencies of the last windows", () => {
  const quantile = new LatencyQuantile({ ...options, minimumCalls: 100 });
  const random = new SeededRandom(7);
  for (let now = 0; now < 5_000; now++) quantile.record(500 + random.below(100), now);
  expect(quantile.valueMs(5_000)).toBeGreaterThan(580);
  for (let now = 5_000; now < 7_000; now++) quantile.record(5 + random.below(10), now);
  expect(quantile.valueMs(7_000)).toBeLessThan(16);
});
