// Experiment X1: the same load and the same fault, first without breaker and bulkhead, then with
// them. Both runs use processes that have seen nothing before, so that neither inherits the other's
// queues, connections or compiled code.
import { sleep } from "@compendium/runtime";
import { planArrivals, sendLoad } from "./load.ts";
import { percentile, shareWithin } from "./measure.ts";
import type { Scenario } from "./scenario.ts";
import type { Stack, StackSource } from "./stack.ts";
import { type Prediction, predictOff, predictOn } from "./theory.ts";

/** One run, measured in the terms in which it was predicted: times since the fault began. */
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
 * are independent, the second run begins while the last requests of the first still wait. Rejects,
 * and leaves nothing running, when `signal` is aborted or a service dies meanwhile.
 */
export async function runX1(
  source: StackSource,
  scenario: Scenario,
  progress: Progress,
  signal?: AbortSignal,
): Promise<{ comparison: Comparison; stack: Stack }> {
  const failing = new AbortController();
  const ending = AbortSignal.any([failing.signal, ...(signal === undefined ? [] : [signal])]);
  const over = new AbortController();
  const stacks: Stack[] = [];
  const fresh = async (protection: boolean) => {
    ending.throwIfAborted();
    const stack = await source.fresh(protection);
    stacks.push(stack);
    const fail = () => failing.abort(stack.lost.reason);
    // A stack may outlive this experiment, and must not remember every one.
    stack.lost.addEventListener("abort", fail, { signal: over.signal });
    return stack;
  };
  let live: Stack | undefined;
  try {
    const unprotected = await fresh(false);
    // Both are made before anything is measured: a start costs as much as a burst of load.
    const early = source.independent ? await fresh(true) : undefined;
    progress("without breaker and bulkhead …");
    const offRun = await startRun(unprotected, scenario, ending);
    if (!source.independent) await offRun.measured;
    const stack = early ?? (await fresh(true));
    progress("the same load and fault, with them …");
    const onRun = await startRun(stack, scenario, ending);
    const [off, on] = await Promise.all([offRun.measured, onRun.measured]);
    ending.throwIfAborted();
    live = stack;
    return { comparison: compare(off, on, scenario), stack };
  } catch (error) {
    // Whatever is still under way in the other run ends as well.
    failing.abort(error);
    throw ending.reason;
  } finally {
    over.abort();
    await Promise.all(stacks.map((stack) => (stack === live ? undefined : stack.stop())));
  }
}

// Resolves once all requests have been sent; `measured` once all have been answered.
async function startRun(
  stack: Stack,
  scenario: Scenario,
  signal: AbortSignal,
): Promise<{ measured: Promise<Measurement> }> {
  const { warmUp, fault, recovery } = scenario.phasesMs;
  const plan = planArrivals({ ...scenario.load, durationMs: warmUp + fault + recovery });
  const load = sendLoad(stack.edgeUrl, plan, { signal });

  await sleepUntil(load.startedAt + warmUp, signal);
  const before = await stack.preview();
  await stack.breakPreview(true);
  // The service itself knows best since when: on a busy machine, word of it comes late.
  const { faultSinceMs } = await stack.preview();
  if (faultSinceMs === null) throw new Error("preview lost its fault at once");
  const brokenAt = faultSinceMs - performance.timeOrigin;
  await sleepUntil(brokenAt + fault, signal);
  await stack.breakPreview(false);
  const healedAt = performance.now();
  await load.sent;

  const measure = async (): Promise<Measurement> => {
    const [edge, preview] = await Promise.all([stack.edge(), stack.preview()]);
    const others = await load.answered("notes");
    signal.throwIfAborted();
    if (preview.startedAtMs !== before.startedAtMs) throw new Error("preview was restarted");
    const during = others.filter(({ dueMs }) => {
      const dueAt = load.startedAt + dueMs;
      return dueAt >= brokenAt && dueAt < healedAt;
    });
    // Some previews still hang. Nobody is interested in their answers any more.
    load.abandon();
    return {
      othersWithin: shareWithin(during, scenario.withinMs),
      othersP99Ms: percentile(during, 0.99),
      previewCalls: preview.faultCalls - before.faultCalls,
      transitions: edge.transitions
        // What it was set to before the load began is no reaction to anything.
        .filter(({ reason }) => reason !== "operator")
        .map(({ to, reason, wallMs }) => ({ to, reason, atMs: wallMs - faultSinceMs })),
    };
  };
  const measured = measure();
  // It may fail while the other run is looked at; whoever awaits it is told all the same.
  measured.catch(() => {});
  return { measured };
}

function compare(off: Measurement, on: Measurement, scenario: Scenario): Comparison {
  return {
    off: { measured: off, predicted: predictOff(scenario) },
    on: { measured: on, predicted: predictOn(scenario) },
    objections: objectionsTo(off, on, scenario),
  };
}

/** What the scenario's thresholds have against two runs, a sentence each. */
export function objectionsTo(
  off: Measurement,
  on: Measurement,
  { thresholds }: Scenario,
): string[] {
  const objections: string[] = [];
  const { othersWithinMax } = thresholds.off;
  const { othersWithinMin } = thresholds.on;
  if (!(off.othersWithin < othersWithinMax)) {
    const share = `${percent(off.othersWithin)} of the others were in time`;
    objections.push(`without protection ${share}, not below ${percent(othersWithinMax)}`);
  }
  if (!(on.othersWithin >= othersWithinMin)) {
    const share = `${percent(on.othersWithin)} of the others were in time`;
    objections.push(`with protection ${share}, not at least ${percent(othersWithinMin)}`);
  }
  if (!on.transitions.some(({ to }) => to === "open")) {
    objections.push("with protection the breaker never opened");
  }
  return objections;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function sleepUntil(at: number, signal: AbortSignal): Promise<void> {
  return sleep(Math.max(0, at - performance.now()), { signal });
}
