import {
  decisionSecondsBounds,
  exponentialBounds,
  Histogram,
  latencySecondsBounds,
  quantileOf,
} from "@compendium/metrics";
import { describe, expect, test } from "vitest";

const filled = (bounds: number[], values: number[]): Histogram => {
  const histogram = new Histogram(bounds);
  for (const value of values) histogram.observe(value);
  return histogram;
};

describe("observe", () => {
  test("le means less than or equal: a value on a bound belongs below it", () => {
    const { counts } = filled([1, 2, 4], [0, 1, 1.5, 2, 3, 4, 4.1, 1e9]).snapshot();
    expect(counts).toEqual([2, 2, 2, 2]);
  });

  test("adds up sum and count", () => {
    expect(filled([1], [0.25, 0.5, 8]).snapshot()).toEqual({
      bounds: [1],
      counts: [2, 1],
      sum: 8.75,
      count: 3,
    });
  });

  test("leaves out what would spoil the sum for good, and counts it", () => {
    const histogram = new Histogram([1]);
    for (const value of [-1, -Number.MIN_VALUE, Number.NaN, Number.POSITIVE_INFINITY, "x"]) {
      histogram.observe(value as number);
    }
    histogram.observe(-0);
    expect(histogram.snapshot()).toMatchObject({ sum: 0, count: 1 });
    expect(histogram.refused).toBe(5);
  });

  test("a snapshot is a copy", () => {
    const histogram = filled([1], [0.5]);
    const before = histogram.snapshot();
    histogram.observe(0.5);
    expect(before.count).toBe(1);
    expect(histogram.snapshot().count).toBe(2);
  });
});

describe("quantile", () => {
  test("is linear inside a bucket, as histogram_quantile of PromQL", () => {
    const histogram = filled([1, 2, 4], [0.5, 1.5, 1.5, 3]);
    expect(histogram.quantile(0.25)).toBe(1);
    expect(histogram.quantile(0.5)).toBe(1.5);
    expect(histogram.quantile(0.75)).toBe(2);
    expect(histogram.quantile(1)).toBe(4);
    expect(histogram.quantile(0.125)).toBe(0.5);
  });

  test("of 1 is the end of the last bucket that holds anything", () => {
    expect(filled([1, 2, 4], [0.5]).quantile(1)).toBe(1);
    expect(filled([1, 2, 4], [0.5, 3]).quantile(0.5)).toBe(1);
  });

  test("beyond the last bound it is that bound", () => {
    expect(filled([1, 2], [100, 100]).quantile(0.99)).toBe(2);
  });

  test("of nothing is NaN", () => {
    expect(new Histogram([1]).quantile(0.5)).toBeNaN();
  });

  test.each([-0.1, 1.1, Number.NaN])("refuses %s", (q) => {
    expect(() => quantileOf(filled([1], [1]).snapshot(), q)).toThrow(/q must be in \[0, 1\], got/);
  });
});

describe("bounds", () => {
  test.each<[string, number[], RegExp]>([
    ["none", [], /1 to 256 numbers, got 0/],
    ["too many", Array.from({ length: 257 }, (_, i) => i), /got 257/],
    ["descending", [2, 1], /must be finite and ascend, got 1 after 2/],
    ["repeated", [1, 1], /got 1 after 1/],
    ["infinite", [1, Number.POSITIVE_INFINITY], /got Infinity after 1/],
    ["NaN", [Number.NaN], /got NaN/],
  ])("refuses %s", (_, bounds, message) => {
    expect(() => new Histogram(bounds)).toThrow(message);
  });

  test("the presets and exponentialBounds fit a histogram", () => {
    for (const bounds of [latencySecondsBounds, decisionSecondsBounds]) new Histogram(bounds);
    expect(exponentialBounds({ from: 1, factor: 2, count: 5 })).toEqual([1, 2, 4, 8, 16]);
  });

  test("exponentialBounds refuses what does not ascend", () => {
    const fine = { from: 1, factor: 2, count: 3 };
    expect(() => exponentialBounds({ ...fine, from: 0 })).toThrow("from must be finite");
    expect(() => exponentialBounds({ ...fine, factor: 1 })).toThrow("factor must be finite");
    expect(() => exponentialBounds({ ...fine, count: 0 })).toThrow("count must be an integer");
    const overflowing = { from: 1e300, factor: 1e10, count: 3 };
    expect(() => exponentialBounds(overflowing)).toThrow("the highest bound must be finite");
  });
});
