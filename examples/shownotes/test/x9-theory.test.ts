import { SeededRandom } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import { type X9Scenario, x9Scenario } from "../src/x9-scenario.ts";
import { predictDetected, predictUndetected } from "../src/x9-theory.ts";
import { simulateX9 } from "./simulated-x9.ts";

const varied = (failureShare: number, consecutive5xx: number): X9Scenario => ({
  ...x9Scenario,
  canary: { ...x9Scenario.canary, failureShare },
  detection: { consecutive5xx },
});

describe("X9, worked out by hand: one call in ten goes to a canary that fails half of them", () => {
  test("off: one call in twenty fails, for ever", () => {
    expect(predictUndetected(x9Scenario)).toEqual({
      errorShare: 0.05,
      canaryShare: 0.1,
      callsUntilFound: Number.POSITIVE_INFINITY,
      failuresUntilFound: Number.POSITIVE_INFINITY,
    });
  });

  test("on: a fair coin shows three failures in a row after 2⁴ − 2 calls, of which half fail", () => {
    expect(predictDetected(x9Scenario)).toEqual({
      errorShare: 0,
      canaryShare: 0,
      callsUntilFound: 14,
      failuresUntilFound: 7,
    });
  });

  test("Envoy's own five in a row would take 62 calls; one that always fails takes as many as that", () => {
    expect(predictDetected(varied(0.5, 5)).callsUntilFound).toBe(62);
    expect(predictDetected(varied(1, 5)).callsUntilFound).toBe(5);
    // Close to that, close to it.
    expect(predictDetected(varied(0.999_999, 5)).callsUntilFound).toBeCloseTo(5, 3);
  });
});

test.each([
  [0.5, 3],
  [0.5, 2],
  [0.3, 2],
  [0.8, 4],
])("coins that fail with %f show a run of %i as late as said, on the average", (p, k) => {
  const random = new SeededRandom(1);
  const games = 20_000;
  let calls = 0;
  let failures = 0;
  for (let game = 0; game < games; game++) {
    for (let run = 0; run < k; calls++) {
      const failed = random.below(1_000) < 1_000 * p;
      failures += Number(failed);
      run = failed ? run + 1 : 0;
    }
  }
  const predicted = predictDetected(varied(p, k));
  // Three deviations: a game's length is spread about as widely as it is long.
  const tolerance = 3 / Math.sqrt(games);
  expect(Math.abs(calls / games / predicted.callsUntilFound - 1)).toBeLessThan(tolerance);
  expect(Math.abs(failures / games / predicted.failuresUntilFound - 1)).toBeLessThan(tolerance);
});

describe("in virtual time, the sidecar's own cluster", () => {
  test("without detection, one call in ten is the canary's, exactly", async () => {
    const off = await simulateX9(x9Scenario, { detection: false, calls: 20_000, seed: 1 });
    expect(off).toMatchObject({ canaryCalls: 2_000, found: undefined });
    expect(Math.abs(off.failures / off.calls - 0.05)).toBeLessThan(0.004);
  });

  test("with it, the canary is out at its third failure in a row, and stays out for 30 s", async () => {
    const games = 200;
    // Half a minute's worth, from the moment at which it is found.
    const calls = 30 * x9Scenario.load.ratePerSecond;
    let until = 0;
    let failures = 0;
    for (let seed = 1; seed <= games; seed++) {
      const on = await simulateX9(x9Scenario, { detection: true, calls, seed });
      expect(on.found).toBeDefined();
      expect(on.canaryCallsAfterwards).toBe(0);
      until += on.found?.calls ?? 0;
      failures += on.found?.failures ?? 0;
    }
    const { callsUntilFound, failuresUntilFound } = predictDetected(x9Scenario);
    const tolerance = 3 / Math.sqrt(games);
    expect(Math.abs(until / games / callsUntilFound - 1)).toBeLessThan(tolerance);
    expect(Math.abs(failures / games / failuresUntilFound - 1)).toBeLessThan(tolerance);
  });

  test("the seed of the scenario is one with which it is found in the first part", async () => {
    const { load, phasesMs, canary } = x9Scenario;
    const calls = (load.ratePerSecond * phasesMs.found) / 1_000;
    const { found } = await simulateX9(x9Scenario, { detection: true, calls, seed: canary.seed });
    expect(found).toBeDefined();
  });
});
