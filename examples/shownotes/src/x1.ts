// Experiment X1: the same load and the same fault, first without breaker and bulkhead, then with
// them. Both runs use processes that have seen nothing before, so that neither inherits the other's
// queues, connections or compiled code.
import { sleep } from "@compendium/runtime";
import { planArrivals, type Sample, sendLoad } from "./load.ts";
import type { Scenario } from "./scenario.ts";
import type { Stack, StackSource } from "./stack.ts";
import { type Prediction, predictOff, predictOn } from "./theory.ts";

/** One run, measured in the terms in which it was predicted. Times count from the fault's begin. */
export interface Measurement extends Prediction {
  transitions: { to: string; atMs: number; reason: string }[];
}

/** Both runs, and what was expected of them. */
export interface Comparison {
  off: { measured: Measurement; predicted: Prediction };
  on: { measured: Measurement; predicted: Prediction };
  /** What the thresholds of the scenario have against the measured values; empty: nothing. */
  objections: string[];
}

/** What is told while an experiment runs. */
export type Progress = (line: string) => void;

/**
 * Runs X1 and returns the comparison, and the protected stack, which goes on running. Where stacks
 * are independent, the second run begins while the last requests of the first still wait.
 */
export async function runX1(
  source: StackSource,
  scenario: Scenario,
  progress: Progress,
  signal?: AbortSignal,
): Promise<{ comparison: Comparison; stack: Stack }> {
  const unprotected = await source.fresh(false);
  // Both are made before anything is measured: starting a process costs as much as a burst of load.
  const early = source.independent ? await source.fresh(true) : undefined;
  try {
    progress("without breaker and bulkhead …");
    const offRun = await startRun(unprotected, scenario, signal);
    if (!source.independent) await offRun.measured;
    const stack = early ?? (await source.fresh(true));
    progress("the same load and fault, with them …");
    const onRun = await startRun(stack, scenario, signal);
    const [off, on] = await Promise.all([offRun.measured, onRun.measured]);
    const comparison: Comparison = {
      off: { measured: off, predicted: predictOff(scenario) },
      on: { measured: on, predicted: predictOn(scenario) },
      objections: objectionsTo(off, on, scenario),
    };
    return { comparison, stack };
  } catch (error) {
    await early?.stop();
    throw error;
  } finally {
    await unprotected.stop();
  }
}

// Resolves once all requests have been sent; `measured` once all have been answered.
async function startRun(
  stack: Stack,
  scenario: Scenario,
  signal?: AbortSignal,
): Promise<{ measured: Promise<Measurement> }> {
  const { warmUp, fault, recovery } = scenario.phasesMs;
  const plan = planArrivals({ ...scenario.load, durationMs: warmUp + fault + recovery });
  const load = sendLoad(stack.edgeUrl, plan, { signal });

  await sleepUntil(load.startedAt + warmUp, signal);
  const callsBefore = (await stack.preview()).calls;
  await stack.breakPreview(true);
  const brokenAt = performance.now();
  await sleepUntil(brokenAt + fault, signal);
  await stack.breakPreview(false);
  const healedAt = performance.now();
  const previewCalls = (await stack.preview()).calls - callsBefore;
  await load.sent;
  signal?.throwIfAborted();

  const measure = async (): Promise<Measurement> => {
    const { transitions } = await stack.edge();
    const others = await load.answered("notes");
    const during = others.filter(({ dueMs }) => {
      const dueAt = load.startedAt + dueMs;
      return dueAt >= brokenAt && dueAt < healedAt;
    });
    // Some previews still hang. Nobody is interested in their answers any more.
    load.abandon();
    const brokenWallMs = performance.timeOrigin + brokenAt;
    return {
      othersWithin: shareWithin(during, scenario.withinMs),
      othersP99Ms: percentile(during, 0.99),
      previewCalls,
      transitions: transitions
        .map(({ to, reason, wallMs }) => ({ to, reason, atMs: wallMs - brokenWallMs }))
        .filter(({ atMs }) => atMs >= 0),
    };
  };
  return { measured: measure() };
}

function objectionsTo(off: Measurement, on: Measurement, { thresholds }: Scenario): string[] {
  const objections: string[] = [];
  const { othersWithinMax } = thresholds.off;
  const { othersWithinMin } = thresholds.on;
  if (!(off.othersWithin < othersWithinMax)) {
    const share = `${percent(off.othersWithin)} of the others were in time`;
    objections.push(`without protection ${share}; below ${percent(othersWithinMax)} was expected`);
  }
  if (!(on.othersWithin >= othersWithinMin)) {
    const share = `${percent(on.othersWithin)} of the others were in time`;
    objections.push(`with protection ${share}; at least ${percent(othersWithinMin)} was expected`);
  }
  if (!on.transitions.some(({ to }) => to === "open")) {
    objections.push("with protection the breaker never opened");
  }
  return objections;
}

/** The share of samples that were answered with 200 within `withinMs`. NaN when there are none. */
export function shareWithin(samples: readonly Sample[], withinMs: number): number {
  const inTime = samples.filter(({ status, tookMs }) => status === 200 && tookMs <= withinMs);
  return inTime.length / samples.length;
}

/** The nearest-rank percentile of the times, q from 0 to 1. NaN when there are none. */
export function percentile(samples: readonly Sample[], q: number): number {
  const sorted = samples.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function sleepUntil(at: number, signal?: AbortSignal): Promise<void> {
  const ms = Math.max(0, at - performance.now());
  return sleep(ms, signal === undefined ? {} : { signal });
}
