import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Scenario, scenario } from "../src/scenario.ts";
import { predictOff, predictOn } from "../src/theory.ts";
import { simulate } from "./simulated-edge.ts";

const withPlaces = (inFlightMax: number): Scenario => ({ ...scenario, edge: { inFlightMax } });
const sec = (ms: number) => Math.round(ms) / 1_000;

describe("X1, worked out by hand: 150 previews/s", () => {
  test("off: 128 places are gone after 128 / 150 s = 0.853 s, of a fault of 3.2 s", () => {
    const off = predictOff(scenario);
    expect(off.othersWithin).toBeCloseTo(0.2667, 4);
    expect(off.previewCalls).toBe(128);
    // The first who waits came at 0.853 s, and the first place is back at 5 s.
    expect(off.othersP99Ms).toBeCloseTo(4_146.67, 2);
    expect(off.transitions).toEqual([]);
  });

  test("on: ten slow calls open it, then it rests and asks again until the fault is over", () => {
    const on = predictOn(scenario);
    expect([on.othersWithin, on.othersP99Ms]).toEqual([1, 0]);
    // 150 ms and 10.5 gaps of 1/150 s; 1 s and a gap; 150 ms and 2 gaps; …; a gap and 20 ms.
    expect(on.transitions.map(({ to, atMs }) => `${sec(atMs)} ${to}`)).toEqual([
      "0.22 open",
      "1.227 half-open",
      "1.39 open",
      "2.397 half-open",
      "2.56 open",
      "3.567 half-open",
      "3.593 closed",
    ]);
    // 150 ms of arrivals and 9.5 more; then three probes in each of two rounds.
    expect(on.previewCalls).toBe(32 + 3 + 3);
  });
});

test("Little's law: more places are full later, a higher rate fills them sooner", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 50 }), (max, more) => {
      const few = predictOff(withPlaces(max));
      const many = predictOff(withPlaces(max + more));
      expect(many.othersWithin).toBeGreaterThan(few.othersWithin);
      expect(many.othersP99Ms).toBeLessThan(few.othersP99Ms);
      expect(many.previewCalls - few.previewCalls).toBe(more);
      const load = { ...scenario.load, ratePerSecond: scenario.load.ratePerSecond + more };
      const busier = predictOff({ ...withPlaces(max), load });
      expect(busier.othersWithin).toBeLessThan(few.othersWithin);
    }),
  );
});

test("what the formulas do not cover is refused, not computed wrongly", () => {
  expect(() => predictOff(withPlaces(481))).toThrow("never fills the edge");
  const preview = { ...scenario.preview, faultDelayMs: 4_199 };
  expect(() => predictOff({ ...scenario, preview })).toThrow(RangeError);
});

test("a smaller bulkhead lets fewer calls through, a longer rest asks less often", () => {
  const narrow = { ...scenario, breaker: { ...scenario.breaker, inFlightMax: 20 } };
  expect(predictOn(narrow).previewCalls).toBe(20 + 3 + 3);
  const patient = { ...scenario, breaker: { ...scenario.breaker, openForMs: 4_000 } };
  expect(predictOn(patient).transitions.map(({ to }) => to)).toEqual([
    "open",
    "half-open",
    "closed",
  ]);
});

// Chance is in the moments of arrival, so one run may be off by some gaps of 6.7 ms; the mean over
// many seeds may not be off by a quarter of one.
const seeds = Array.from({ length: 200 }, (_, i) => i + 1);
const withSeed = (seed: number): Scenario => ({ ...scenario, load: { ...scenario.load, seed } });
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const gapMs = 1_000 / (scenario.load.ratePerSecond * scenario.load.previewShare);

test("in virtual time, X1 without protection goes as predicted, over 200 seeds", () => {
  const predicted = predictOff(scenario);
  const runs = seeds.map((seed) => simulate(withSeed(seed), false));
  for (const { previewCalls, transitions } of runs) {
    expect(previewCalls).toBe(predicted.previewCalls);
    expect(transitions).toEqual([]);
  }
  const within = mean(runs.map(({ othersWithin }) => othersWithin));
  expect(Math.abs(within - predicted.othersWithin)).toBeLessThan(0.005);
  const p99Ms = mean(runs.map(({ othersP99Ms }) => othersP99Ms));
  expect(Math.abs(p99Ms - predicted.othersP99Ms)).toBeLessThan(gapMs);
});

test("in virtual time, X1 with protection goes as predicted, over 200 seeds", () => {
  const predicted = predictOn(scenario);
  const runs = seeds.map((seed) => simulate(withSeed(seed), true));
  for (const { othersWithin, othersP99Ms, transitions } of runs) {
    expect([othersWithin, othersP99Ms]).toEqual([1, 0]);
    expect(transitions.map(({ to }) => to)).toEqual(predicted.transitions.map(({ to }) => to));
  }
  // Step by step: small errors of the steps before it are no error of this one.
  const lasts = (transitions: { atMs: number }[], i: number) =>
    (transitions[i]?.atMs ?? Number.NaN) - (transitions[i - 1]?.atMs ?? 0);
  for (const [i] of predicted.transitions.entries()) {
    const measuredMs = mean(runs.map(({ transitions }) => lasts(transitions, i)));
    expect(Math.abs(measuredMs - lasts(predicted.transitions, i))).toBeLessThan(gapMs / 4);
  }
  const previewCalls = mean(runs.map((run) => run.previewCalls));
  expect(Math.abs(previewCalls - predicted.previewCalls)).toBeLessThan(0.5);
});

test("however many places there are, Little's law says when they are gone", () => {
  const places = fc.integer({ min: 40, max: 400 });
  fc.assert(
    fc.property(fc.nat({ max: 1_000_000 }), places, (seed, inFlightMax) => {
      const varied = { ...withSeed(seed), edge: { inFlightMax } };
      const predicted = predictOff(varied);
      const measured = simulate(varied, false);
      expect(measured.previewCalls).toBe(inFlightMax);
      expect(Math.abs(measured.othersWithin - predicted.othersWithin)).toBeLessThan(0.03);
      expect(Math.abs(measured.othersP99Ms - predicted.othersP99Ms)).toBeLessThan(100);
    }),
    { numRuns: 30 },
  );
});

test("a bulkhead alone keeps the others quick, too: the breaker only spares the calls", () => {
  const blind = { ...scenario, breaker: { ...scenario.breaker, slowAfterMs: 10_000 } };
  const measured = simulate(blind, true);
  expect(measured.transitions).toEqual([]);
  expect(measured.previewCalls).toBe(scenario.breaker.inFlightMax);
  expect(measured.othersWithin).toBe(1);
});
