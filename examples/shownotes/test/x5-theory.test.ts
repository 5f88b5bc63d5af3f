import { describe, expect, test } from "vitest";
import type { RegistryRequest } from "../src/registry-client.ts";
import type { RegistryMember, Reply } from "../src/registry-member.ts";
import { encodeCommand } from "../src/registry-state.ts";
import { objectionsToX5, type X5Measurement } from "../src/x5.ts";
import { x5Scenario } from "../src/x5-scenario.ts";
import { detectionMs, predictAlone, predictGroup } from "../src/x5-theory.ts";
import { answer, type SimulatedX5Options, simulateX5 } from "./simulated-x5.ts";

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

// What X5 is for: a registry that is wrong in one of the usual ways does not pass.
describe("X5 finds out", () => {
  const runs = async (members: number, planted: Omit<SimulatedX5Options, "members" | "seed">) => {
    const all: X5Measurement[] = [];
    for (let seed = 1; seed <= 6; seed++) {
      all.push(await simulateX5(x5Scenario, { members, seed, ...planted }));
    }
    return all;
  };

  // A leader that was away would answer as if it still led, and a follower as if it were one.
  const stale = async (member: RegistryMember, asked: RegistryRequest): Promise<Reply<unknown>> => {
    if (asked.kind !== "read") return await answer(member, asked);
    const { state } = member;
    const { revision } = state;
    return asked.query.of === "lease"
      ? { value: { revision, ...state.lease(asked.query.document) } }
      : { value: { revision, ...state.seats(asked.query.workspace) } };
  };

  test("reads that ask nobody", async () => {
    const all = await runs(3, { answer: stale });
    expect(all.map(({ verdict }) => verdict)).toContain("illegal");
  });

  // A leader that answers once it has proposed: what it answers need not come about, and a leader
  // that dies takes it along.
  const hasty = async (member: RegistryMember, asked: RegistryRequest): Promise<Reply<unknown>> => {
    if (asked.kind !== "run" || !member.node.leadership.isLeader) {
      return await answer(member, asked);
    }
    const { revision } = member.state;
    void member.node.propose(encodeCommand(asked.command, member.state.timeMs)).catch(() => {});
    return { value: { ok: true, changed: true, revision: revision + 1, epoch: revision + 1 } };
  };

  test("answers that come before the commit", async () => {
    const all = await runs(3, { answer: hasty });
    expect(all.every(({ verdict }) => verdict === "illegal")).toBe(true);
    expect(all.some(({ lost }) => lost > 0)).toBe(true);
  });
});
