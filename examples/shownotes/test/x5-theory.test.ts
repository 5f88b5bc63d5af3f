import { describe, expect, test } from "vitest";
import { objectionsToX5, type X5Measurement } from "../src/x5.ts";
import { x5Scenario } from "../src/x5-scenario.ts";
import { detectionMs, predictAlone, predictGroup } from "../src/x5-theory.ts";
import { simulateX5 } from "./simulated-x5.ts";

describe("X5, worked out by hand: timeouts from 300 to 600 ms, a heartbeat every 30", () => {
  test("alone: down until it is started again, and then for a timeout of its own", () => {
    expect(predictAlone(x5Scenario)).toEqual({
      killedGapMs: 2_500 + 450,
      pausedGapMs: 2_000,
      lost: 0,
    });
  });

  test("three: the first of two followers loses patience after 400 ms, less half a heartbeat", () => {
    expect(predictGroup(x5Scenario)).toEqual({ killedGapMs: 385, pausedGapMs: 385, lost: 0 });
    expect(detectionMs(x5Scenario)).toEqual({ least: 270, most: 600 });
  });

  test("five: the first of four, after 360 ms", () => {
    expect(predictGroup({ ...x5Scenario, members: 5 }).killedGapMs).toBeCloseTo(345, 9);
  });

  test("what could show nothing is refused", () => {
    expect(() => predictGroup({ ...x5Scenario, members: 2 })).toThrow("2 members do not survive");
  });
});

// A tick is half a heartbeat, and a link, a disk and a client's pause take their few milliseconds.
const SLACK_MS = 80;

describe("X5 in virtual time", () => {
  const seeds = Array.from({ length: 12 }, (_, at) => at + 1);
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;

  test("three: every gap is within detection and what an election takes; the mean is as predicted", async () => {
    const runs: X5Measurement[] = [];
    for (const seed of seeds) runs.push(await simulateX5(x5Scenario, { members: 3, seed }));
    const { least, most } = detectionMs(x5Scenario);
    for (const run of runs) {
      expect(run).toMatchObject({ lost: 0, verdict: "ok" });
      expect(run.acknowledged).toBeGreaterThan(300);
      for (const gap of [run.killedGapMs, run.pausedGapMs]) {
        expect(gap).toBeGreaterThan(least);
        // Twice: two candidates may meet, and part the votes between them.
        expect(gap).toBeLessThan(2 * most);
      }
      expect(objectionsToX5(alone, run, x5Scenario)).toEqual([]);
    }
    const { killedGapMs } = predictGroup(x5Scenario);
    const gaps = runs.flatMap((run) => [run.killedGapMs, run.pausedGapMs]);
    expect(mean(gaps)).toBeGreaterThan(killedGapMs - SLACK_MS);
    expect(mean(gaps)).toBeLessThan(killedGapMs + SLACK_MS);
  });

  const alone: X5Measurement = {
    killedGapMs: 2_950,
    pausedGapMs: 2_000,
    lost: 0,
    acknowledged: 200,
    operations: 300,
    checks: 1,
    verdict: "ok",
  };

  test("alone: down for as long as it was down, and nothing lost all the same", async () => {
    for (const seed of seeds.slice(0, 4)) {
      const run = await simulateX5(x5Scenario, { members: 1, seed });
      const { restartAfterMs, raft, phasesMs } = x5Scenario;
      expect(run).toMatchObject({ lost: 0, verdict: "ok" });
      expect(run.killedGapMs).toBeGreaterThanOrEqual(restartAfterMs + raft.electionTimeoutMs);
      expect(run.killedGapMs).toBeLessThan(
        restartAfterMs + 2 * raft.electionTimeoutMs + SLACK_MS + 250,
      );
      expect(run.pausedGapMs).toBeGreaterThanOrEqual(phasesMs.paused - SLACK_MS);
      expect(run.pausedGapMs).toBeLessThan(phasesMs.paused + 250 + SLACK_MS);
    }
  });

  test("the same seed is the same run", async () => {
    const once = await simulateX5(x5Scenario, { members: 3, seed: 99 });
    expect(await simulateX5(x5Scenario, { members: 3, seed: 99 })).toEqual(once);
  });
});
