// Experiment X3: one workspace floods the edge with checkouts, first without the token bucket, then
// with it. What is flooded is billing, of which there is little; what must be spared are the
// checkouts of everybody else. Timeouts, retry budget and deadline shedding are on in both runs:
// they tell nobody apart. The breaker stands aside: it would open, and turn everybody away.
import { sleep } from "@compendium/runtime";
import { type Checkout, sendCheckouts } from "./checkouts.ts";
import type { Experiment, ExperimentOutcome } from "./experiments.ts";
import { planArrivals } from "./load.ts";
import { percentile, shareWithin } from "./measure.ts";
import { type X2Scenario, scenario as x2Scenario } from "./x2-scenario.ts";
import { formatX3 } from "./x3-report.ts";
import { type X3Scenario, x3Scenario } from "./x3-scenario.ts";
import { X3ChildStacks, type X3Source, type X3Stack } from "./x3-stacks.ts";
import { admittedMax, predictFlooded, predictLimited, type X3Prediction } from "./x3-theory.ts";

/** One run, measured in the terms in which it was predicted. */
export interface X3Measurement extends X3Prediction {
  /** Checkouts of the others that were due during the flood. */
  others: number;
  /** Requests of the flood. */
  flood: number;
  /** From the first of them to the last answer, in ms: the interval that the limit is about. */
  floodMs: number;
  /** The most that the limit allows in that time. */
  admittedMax: number;
  /** Decisions that the edges made alone because Redis did not answer; these come on top. */
  withoutStore: number;
}

// What can be said of a run by whoever sent it.
type Judged = Omit<X3Measurement, "withoutStore">;

/** Both runs, and what was expected of them. */
export interface X3Comparison {
  edges: number;
  off: { measured: X3Measurement; predicted: X3Prediction };
  on: { measured: X3Measurement; predicted: X3Prediction };
  /** What the thresholds of the scenario have against the measured values; empty: nothing. */
  objections: string[];
}

/** X3 on processes of its own, or on those that `source` has. */
export function createX3(source?: X3Source): Experiment {
  return {
    id: "x3",
    key: "3",
    title: x3Scenario.title,
    run: (say, signal) =>
      runX3(source ?? new X3ChildStacks(say), [x3Scenario, x2Scenario], say, signal),
  };
}

/**
 * Runs X3, one run after the other: each wants the machine for itself. Rejects when `signal` is
 * aborted or a process dies meanwhile. Leaves nothing running that it started.
 */
export async function runX3(
  source: X3Source,
  [scenario, behind]: [X3Scenario, X2Scenario],
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ExperimentOutcome & { result: X3Comparison }> {
  const predicted = {
    off: predictFlooded(scenario, behind),
    on: predictLimited(scenario, behind),
  };
  say("one workspace floods billing, without a limit …");
  const off = await runAlone(source, scenario, false, signal);
  say("the same flood, with a token bucket for each workspace …");
  const on = await runAlone(source, scenario, true, signal);
  const objections = objectionsToX3(off.measured, on.measured, scenario);
  const result: X3Comparison = {
    edges: on.edges,
    off: { measured: off.measured, predicted: predicted.off },
    on: { measured: on.measured, predicted: predicted.on },
    objections,
  };
  return { report: formatX3(result, scenario, behind), objections, result };
}

async function runAlone(
  source: X3Source,
  scenario: X3Scenario,
  limits: boolean,
  signal: AbortSignal,
): Promise<{ measured: X3Measurement; edges: number }> {
  const losing = new AbortController();
  const ending = AbortSignal.any([losing.signal, signal]);
  ending.throwIfAborted();
  const stack = await source.fresh((reason) => losing.abort(reason));
  try {
    await stack.set({ limits, breaker: false });
    const measured = await run(stack, scenario, ending);
    return { measured, edges: stack.edgeUrls.length };
  } catch (error) {
    ending.throwIfAborted();
    throw error;
  } finally {
    await stack.stop();
  }
}

async function run(
  { edgeUrls, decidedWithoutStore }: X3Stack,
  scenario: X3Scenario,
  signal: AbortSignal,
): Promise<X3Measurement> {
  const { others, flood, phasesMs } = scenario;
  const { warmUp, flood: floodMs, recovery } = phasesMs;
  // Limits outlive processes, where they are kept in Redis: every run has workspaces of its own.
  const runId = Date.now().toString(36);
  const quiet = sendCheckouts(edgeUrls, dueOf(others, warmUp + floodMs + recovery), {
    name: `others-${runId}`,
    signal,
    episodeOf: (n) => `other${n % others.workspaces}_${runId}-1`,
  });
  await sleep(warmUp, { signal });
  const flooding = sendCheckouts(edgeUrls, dueOf(flood, floodMs), {
    name: `flood-${runId}`,
    signal,
    episodeOf: () => `flood_${runId}-1`,
  });
  const [spared, flooded] = await Promise.all([quiet.answered, flooding.answered]);
  signal.throwIfAborted();
  const fromMs = flooding.startedAt - quiet.startedAt;
  const during = spared.filter(({ dueMs }) => dueMs >= fromMs && dueMs < fromMs + floodMs);
  return { ...judge(during, flooded, scenario), withoutStore: await decidedWithoutStore() };
}

function dueOf(
  { ratePerSecond, seed }: { ratePerSecond: number; seed: number },
  durationMs: number,
): number[] {
  const plan = planArrivals({ ratePerSecond, seed, durationMs, previewShare: 0 });
  return plan.map(({ dueMs }) => dueMs);
}

/** Judges the others' checkouts that were due during a flood, and the flood's own. */
export function judge(
  others: readonly Checkout[],
  flood: readonly Checkout[],
  scenario: X3Scenario,
): Judged {
  // A checkout that was not paid for took for ever, however quickly that was said.
  const paid = others.map((it) => ({ ...it, tookMs: it.status === 200 ? it.tookMs : Infinity }));
  // An attempt that got no answer may have been let through: whatever is no 429 counts.
  const admitted = flood.filter(({ status }) => status !== 429).length;
  const ends = flood.map(({ dueMs, tookMs }) => dueMs + tookMs).filter(Number.isFinite);
  const floodMs = Math.max(0, ...ends) - (flood[0]?.dueMs ?? 0);
  return {
    othersWithin: shareWithin(paid, scenario.withinMs),
    othersP99Ms: percentile(paid, 0.99),
    admitted,
    others: others.length,
    flood: flood.length,
    floodMs,
    admittedMax: admittedMax(scenario, floodMs),
  };
}

/** What the scenario's thresholds have against two runs, a sentence each. */
export function objectionsToX3(off: Judged, on: Judged, { thresholds }: X3Scenario): string[] {
  const objections: string[] = [];
  const { othersWithinMax } = thresholds.off;
  const { othersWithinMin, admittedShareMin } = thresholds.on;
  if (!(off.othersWithin <= othersWithinMax)) {
    const share = `${percent(off.othersWithin)} of the others were in time`;
    objections.push(`without a limit ${share}, not at most ${percent(othersWithinMax)}`);
  }
  if (!(on.othersWithin >= othersWithinMin)) {
    const share = `${percent(on.othersWithin)} of the others were in time`;
    objections.push(`with the limit ${share}, not at least ${percent(othersWithinMin)}`);
  }
  if (!(on.admitted <= on.admittedMax)) {
    const seconds = (on.floodMs / 1_000).toFixed(2);
    objections.push(
      `${on.admitted} of the flood were let through, and the limit for ${seconds} s is ` +
        `${on.admittedMax}`,
    );
  }
  // A limit that lets nobody through keeps every promise but its own.
  const due = Math.floor(admittedShareMin * on.admittedMax);
  if (!(on.admitted >= due)) {
    objections.push(
      `${on.admitted} of the flood were let through, not at least ${due} of ${on.admittedMax}`,
    );
  }
  return objections;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
