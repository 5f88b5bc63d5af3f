// Experiment X2: a service is slow for a second, and its callers retry. The same load and the same
// blip for four ways to retry, each on an edge and a billing service of its own that have seen
// nothing before, side by side.
//
// The breaker stands aside. It would end the storm as well, in its own way; here it is asked what
// retries do when nothing else is in their way.
import { sleep } from "@compendium/runtime";
import { type Checkout, sendCheckouts } from "./checkouts.ts";
import type { Experiment, ExperimentOutcome } from "./experiments.ts";
import { planArrivals } from "./load.ts";
import { shareWithin } from "./measure.ts";
import { formatX2 } from "./x2-report.ts";
import { scenario as fromFile, VARIANTS, type Variant, type X2Scenario } from "./x2-scenario.ts";
import { breakBilling, countsOf, X2ChildStacks, type X2Source, type X2Stack } from "./x2-stacks.ts";
import { predictX2, type X2Prediction } from "./x2-theory.ts";

/** How long one column of the goodput lasts. */
export const COLUMN_MS = 500;
// How finely the recovery is measured: 14 checkouts.
const STEP_MS = 100;
// A process compiles what it runs, and eight of them begin at once. Too little to be a load.
const WARM_UP = { ratePerSecond: 60, durationMs: 500, previewShare: 0, seed: 1 };

/** One variant, measured. */
export interface X2Measurement {
  /** The share of checkouts answered in time, by the half second in which they were due. */
  goodput: number[];
  /** Of those due in the last second. */
  lastSecond: number;
  /** Of those due from `thresholds.atOnce.fromMs` after the blip to the end. */
  afterwards: number;
  /**
   * From the end of the blip to the tenth of a second from which on goodput, by the half second,
   * stays as good as the thresholds want it at last, in ms; Infinity: there is none.
   */
  recoveryMs: number;
  attemptsPerCheckout: number;
  /** What billing has counted; see {@link Ledger.stats}. */
  charges: number;
  keys: number;
  repeats: number;
  shed: number;
}

/** All four, and what was expected of them. */
export interface X2Comparison {
  measured: Record<Variant, X2Measurement>;
  predicted: Record<Variant, X2Prediction>;
  objections: string[];
}

/** X2, on child processes. */
export const x2: Experiment = {
  id: "x2",
  key: "2",
  title: fromFile.title,
  run: (say, signal) => runX2(new X2ChildStacks(fromFile, say), fromFile, say, signal),
};

/** Runs X2 on stacks from anywhere. */
export async function runX2(
  source: X2Source,
  scenario: X2Scenario,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ExperimentOutcome & { result: X2Comparison }> {
  const losing = new AbortController();
  const ending = AbortSignal.any([losing.signal, signal]);
  const predicted = predictX2(scenario);
  signal.throwIfAborted();
  const stacks = await source.fresh(VARIANTS, (reason) => losing.abort(reason));
  try {
    say("warming up …");
    await Promise.all(stacks.map((stack) => warmUp(stack, ending)));
    say("one blip, four ways to retry, side by side …");
    const runs = await Promise.all(
      stacks.map((stack, i) => runVariant(stack, VARIANTS[i] as Variant, scenario, ending)),
    );
    const measured = Object.fromEntries(runs.map((run, i) => [VARIANTS[i], run])) as Record<
      Variant,
      X2Measurement
    >;
    const objections = objectionsToX2(measured, scenario);
    const result = { measured, predicted, objections };
    return { report: formatX2(result, scenario), objections, result };
  } catch (error) {
    ending.throwIfAborted();
    throw error;
  } finally {
    await Promise.all(stacks.map((stack) => stack.stop()));
  }
}

async function warmUp({ edgeUrl }: X2Stack, signal: AbortSignal): Promise<void> {
  const dueMs = planArrivals(WARM_UP).map((arrival) => arrival.dueMs);
  await sendCheckouts(edgeUrl, dueMs, { name: "warm-up", signal }).answered;
  signal.throwIfAborted();
}

async function runVariant(
  stack: X2Stack,
  variant: Variant,
  scenario: X2Scenario,
  signal: AbortSignal,
): Promise<X2Measurement> {
  const { warmUp, blip, recovery } = scenario.phasesMs;
  const durationMs = warmUp + blip + recovery;
  const plan = planArrivals({ ...scenario.load, previewShare: 0, durationMs });
  const dueMs = plan.map((arrival) => arrival.dueMs);
  const before = await countsOf(stack);
  const load = sendCheckouts(stack.edgeUrl, dueMs, { name: variant, signal });
  const until = (ms: number) =>
    sleep(Math.max(0, load.startedAt + ms - performance.now()), { signal });
  await until(warmUp);
  await breakBilling(stack, true);
  await until(warmUp + blip);
  await breakBilling(stack, false);
  const healedMs = performance.now() - load.startedAt;
  const checkouts = await load.answered;
  signal.throwIfAborted();
  const { edge, billing } = await countsOf(stack);
  const { charges, keys, repeats, shed } = billing;
  const attemptsPerCheckout =
    (edge.attempts - before.edge.attempts) / (edge.checkouts - before.edge.checkouts);
  const judged = judge(checkouts, healedMs, durationMs, scenario);
  return { ...judged, attemptsPerCheckout, charges, keys, repeats, shed };
}

/** Judges checkouts that were due over `durationMs`, of a blip that ended at `healedMs`. */
export function judge(
  checkouts: readonly Checkout[],
  healedMs: number,
  durationMs: number,
  { withinMs, thresholds }: X2Scenario,
): Pick<X2Measurement, "goodput" | "lastSecond" | "afterwards" | "recoveryMs"> {
  const between = (fromMs: number, toMs: number) =>
    shareWithin(
      checkouts.filter(({ dueMs }) => dueMs >= fromMs && dueMs < toMs),
      withinMs,
    );
  const goodput: number[] = [];
  for (let ms = 0; ms < durationMs; ms += COLUMN_MS) goodput.push(between(ms, ms + COLUMN_MS));
  const { lastSecondMin } = thresholds.recovered;
  const isWell = (fromMs: number, spanMs: number) =>
    between(fromMs, fromMs + spanMs) >= lastSecondMin;
  let wellMs = durationMs;
  while (wellMs > healedMs && isWell(wellMs - STEP_MS, COLUMN_MS)) wellMs -= STEP_MS;
  while (wellMs < durationMs && !isWell(wellMs, STEP_MS)) wellMs += STEP_MS;
  return {
    goodput,
    lastSecond: between(durationMs - 1_000, durationMs),
    afterwards: between(healedMs + thresholds.atOnce.fromMs, durationMs),
    recoveryMs: wellMs === durationMs ? Infinity : Math.max(0, wellMs - healedMs),
  };
}

/** What the scenario's thresholds have against the runs, a sentence each. */
export function objectionsToX2(
  measured: Record<Variant, X2Measurement>,
  { thresholds }: X2Scenario,
): string[] {
  const { collapsed, recovered, atOnce } = thresholds;
  const objections: string[] = [];
  for (const variant of ["naive", "jitter"] as const) {
    const { lastSecond } = measured[variant];
    if (!(lastSecond <= collapsed.lastSecondMax)) {
      const limit = `not at most ${percent(collapsed.lastSecondMax)}`;
      objections.push(`${variant} recovered: ${percent(lastSecond)} in the last second, ${limit}`);
    }
  }
  for (const variant of ["budget", "budget+shed"] as const) {
    const { lastSecond } = measured[variant];
    if (!(lastSecond >= recovered.lastSecondMin)) {
      const limit = `not at least ${percent(recovered.lastSecondMin)}`;
      objections.push(`${variant}: ${percent(lastSecond)} in the last second, ${limit}`);
    }
  }
  const { afterwards } = measured["budget+shed"];
  if (!(afterwards >= atOnce.goodputMin)) {
    const since = `from ${atOnce.fromMs / 1_000} s after the blip on`;
    const limit = `not at least ${percent(atOnce.goodputMin)}`;
    objections.push(`budget+shed: ${percent(afterwards)} ${since}, ${limit}`);
  }
  for (const variant of VARIANTS) {
    const { charges, keys } = measured[variant];
    if (charges > keys) {
      objections.push(`${variant}: ${charges} charges for ${keys} keys: somebody paid twice`);
    }
  }
  return objections;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
