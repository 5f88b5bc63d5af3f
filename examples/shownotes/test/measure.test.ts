import fc from "fast-check";
import { expect, test } from "vitest";
import { percentile, shareWithin } from "../src/measure.ts";
import { Recent } from "../src/recent.ts";

const took = (...times: number[]) =>
  times.map((tookMs) => ({ status: Number.isFinite(tookMs) ? 200 : 0, tookMs }));

test("in time is: answered with 200, and not a moment later than the limit", () => {
  expect(shareWithin(took(0, 999, 1_000, 1_000.1), 1_000)).toBe(0.75);
  expect(shareWithin([{ status: 503, tookMs: 1 }, ...took(1)], 1_000)).toBe(0.5);
  expect(shareWithin(took(Number.POSITIVE_INFINITY), 1_000)).toBe(0);
  expect(shareWithin([], 1_000)).toBeNaN();
});

test("the nearest rank: the smallest time that at least the share q does not exceed", () => {
  const hundred = took(...Array.from({ length: 100 }, (_, i) => 100 - i));
  expect(percentile(hundred, 0.99)).toBe(99);
  expect(percentile(hundred, 0.5)).toBe(50);
  expect(percentile(hundred, 1)).toBe(100);
  expect(percentile(hundred, 0)).toBe(1);
  expect(percentile(took(7), 0.99)).toBe(7);
  expect(percentile([], 0.99)).toBeNaN();
  expect(percentile(took(1, Number.POSITIVE_INFINITY), 0.99)).toBe(Number.POSITIVE_INFINITY);
});

test("any percentile is one of the times, and enough of them do not exceed it", () => {
  const times = fc.array(fc.nat({ max: 9_999 }), { minLength: 1 });
  const q = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(times, q, (all, share) => {
      const value = percentile(took(...all), share);
      expect(all).toContain(value);
      const below = all.filter((time) => time < value).length;
      const upTo = all.filter((time) => time <= value).length;
      expect(upTo).toBeGreaterThanOrEqual(share * all.length);
      expect(below).toBeLessThanOrEqual(share * all.length);
    }),
  );
});

const never = new Promise<never>(() => {});
const answer = (tookMs: number) =>
  Promise.resolve({ dueMs: 0, route: "notes" as const, status: 200, tookMs });

test("a request that hangs counts as late once it is, not when it is answered", () => {
  const recent = new Recent({ spanMs: 5_000, withinMs: 1_000 });
  recent.add(0, never);
  expect(recent.read(1_000)).toBeNull();
  expect(recent.read(1_500)).toEqual({ withinShare: 0, p99Ms: 1_500 });
});

test("what was due before the span is forgotten", async () => {
  const recent = new Recent({ spanMs: 5_000, withinMs: 1_000 });
  recent.add(0, never);
  recent.add(2_000, answer(10));
  await undefined;
  expect(recent.read(5_999)).toEqual({ withinShare: 0.5, p99Ms: 5_999 });
  expect(recent.read(6_001)).toEqual({ withinShare: 1, p99Ms: 10 });
  expect(recent.read(8_001)).toBeNull();
});

test("an answer that came late is late, and clear forgets everything", async () => {
  const recent = new Recent({ spanMs: 5_000, withinMs: 1_000 });
  recent.add(0, answer(1_200));
  await undefined;
  expect(recent.read(2_000)).toEqual({ withinShare: 0, p99Ms: 1_200 });
  recent.clear();
  expect(recent.read(2_000)).toBeNull();
});
