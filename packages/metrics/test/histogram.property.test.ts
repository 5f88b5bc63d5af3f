import { Histogram, quantileOf } from "@compendium/metrics";
import fc from "fast-check";
import { expect, test } from "vitest";

const value = fc.double({ min: 0, max: 100, noNaN: true });
const bounds = fc
  .uniqueArray(value, { minLength: 1, maxLength: 30 })
  .map((list) => list.toSorted((a, b) => a - b));

test("each bucket counts what lies above the bound before and not above its own", () => {
  fc.assert(
    fc.property(bounds, fc.array(value), (limits, values) => {
      const histogram = new Histogram(limits);
      for (const each of values) histogram.observe(each);
      const { counts, count, sum } = histogram.snapshot();
      const expected = [...limits, Number.POSITIVE_INFINITY].map((upper, i) => {
        const lower = limits[i - 1] ?? Number.NEGATIVE_INFINITY;
        return values.filter((each) => each > lower && each <= upper).length;
      });
      expect(counts).toEqual(expected);
      expect(count).toBe(values.length);
      expect(sum).toBe(values.reduce((a, b) => a + b, 0));
    }),
  );
});

test("a quantile lies in the bucket of the true one, and never falls when q rises", () => {
  const q = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(bounds, fc.array(value, { minLength: 1 }), q, q, (limits, values, a, b) => {
      const histogram = new Histogram(limits);
      for (const each of values) histogram.observe(each);
      const snapshot = histogram.snapshot();
      const [low, high] = a < b ? [a, b] : [b, a];
      expect(quantileOf(snapshot, low)).toBeLessThanOrEqual(quantileOf(snapshot, high));

      const sorted = values.toSorted((x, y) => x - y);
      const exact = sorted[Math.max(0, Math.ceil(high * values.length) - 1)] as number;
      const upper = limits.find((bound) => bound >= exact) ?? (limits.at(-1) as number);
      const lower = limits.findLast((bound) => bound < Math.min(exact, upper)) ?? 0;
      expect(quantileOf(snapshot, high)).toBeGreaterThanOrEqual(lower);
      expect(quantileOf(snapshot, high)).toBeLessThanOrEqual(upper);
    }),
  );
});
