// Experiment X9: a new version of the preview service is tried on one call in ten, and fails half
// of them; first with a sidecar that goes on trying, then with one that puts aside who fails too
// often in a row. Both runs are made at the same time, on processes of their own that have seen
// nothing before: nothing here is judged by how long it takes.
//
// Each run has two parts. In the first the canary may still be met, and on it is found out by then,
// or never. The second is judged. All calls of the first are answered when it begins.
import type { Experiment } from "./experiments.ts";
import { planArrivals, type Sample, sendLoad } from "./load.ts";
import { formatX9 } from "./x9-report.ts";
import { type X9Scenario, x9Scenario } from "./x9-scenario.ts";
import { X9ChildStacks, type X9Source, type X9Stack } from "./x9-stacks.ts";
import { predictDetected, predictUndetected, type X9Prediction } from "./x9-theory.ts";

/** One run, measured in the terms in which it was predicted. */
export interface X9Measurement extends X9Prediction {
  /** Previews that were judged. */
  previews: number;
  /** Calls that reached the canary after the first part. */
  canaryCalls: number;
}

/** Both runs, and what was expected of them. */
export interface X9Comparison {
  off: { measured: X9Measurement; predicted: X9Prediction };
  on: { measured: X9Measurement; predicted: X9Prediction };
  /** What the thresholds of the scenario have against the measured values; empty: nothing. */
  objections: string[];
}

/** X9 on child processes of its own. */
export const x9: Experiment = {
  id: "x9",
  key: "9",
  title: x9Scenario.title,
  run: async (say, signal) => {
    const source = new X9ChildStacks(x9Scenario, say);
    const comparison = await runX9(source, x9Scenario, say, signal);
    const { objections } = comparison;
    return { report: formatX9(comparison, x9Scenario), objections, result: comparison };
  },
};

/**
 * Runs X9. Rejects when `signal` is aborted or a service dies meanwhile. Leaves nothing running.
 */
export async function runX9(
  source: X9Source,
  scenario: X9Scenario,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<X9Comparison> {
  const failing = new AbortController();
  const ending = AbortSignal.any([failing.signal, signal]);
  const stacks: X9Stack[] = [];
  const fresh = async (): Promise<X9Stack> => {
    const stack = await source.fresh((reason) => failing.abort(reason));
    stacks.push(stack);
    return stack;
  };
  try {
    const started = await Promise.allSettled([fresh(), fresh()]);
    for (const it of started) if (it.status === "rejected") throw it.reason;
    const [first, second] = stacks as [X9Stack, X9Stack];
    await Promise.all([first.detect(false), second.detect(true)]);
    ending.throwIfAborted();
    say("a canary, without outlier detection and with it …");
    const [off, on] = await Promise.all([
      measure(first, scenario, ending),
      measure(second, scenario, ending),
    ]);
    return {
      off: { measured: off, predicted: predictUndetected(scenario) },
      on: { measured: on, predicted: predictDetected(scenario) },
      objections: objectionsToX9(off, on, scenario),
    };
  } catch (error) {
    // Whatever is still under way in the other run ends as well.
    failing.abort(error);
    throw ending.reason;
  } finally {
    await Promise.all(stacks.map((stack) => stack.stop()));
  }
}

async function measure(
  stack: X9Stack,
  scenario: X9Scenario,
  signal: AbortSignal,
): Promise<X9Measurement> {
  const send = (durationMs: number): Promise<Sample[]> => {
    const plan = planArrivals({ ...scenario.load, previewShare: 1, durationMs });
    return sendLoad(stack.edgeUrl, plan, { signal }).answered("preview");
  };
  await send(scenario.phasesMs.found);
  signal.throwIfAborted();
  const found = await stack.counts();
  const samples = await send(scenario.phasesMs.measured);
  signal.throwIfAborted();
  const after = await stack.counts();
  const failed = samples.filter(({ status }) => status !== 200).length;
  const canaryCalls = after.canaryCalls - found.canaryCalls;
  // It counts as found if it was then, and still is.
  const isFound = found.isEjected && after.isEjected;
  return {
    errorShare: (after.bareLinks - found.bareLinks + failed) / samples.length,
    canaryShare: canaryCalls / samples.length,
    callsUntilFound: isFound ? found.canaryCalls : Number.POSITIVE_INFINITY,
    failuresUntilFound: isFound ? found.canaryFailures : Number.POSITIVE_INFINITY,
    previews: samples.length,
    canaryCalls,
  };
}

/** What the scenario's thresholds have against two runs, a sentence each. */
export function objectionsToX9(
  off: X9Measurement,
  on: X9Measurement,
  { thresholds, phasesMs }: X9Scenario,
): string[] {
  const objections: string[] = [];
  const { errorShareMin } = thresholds.off;
  const { errorShareMax } = thresholds.on;
  if (!(off.errorShare >= errorShareMin)) {
    const limit = `not at least ${percent(errorShareMin)}`;
    objections.push(`without detection ${percent(off.errorShare)} got no preview, ${limit}`);
  }
  if (!(on.errorShare < errorShareMax)) {
    const limit = `not below ${percent(errorShareMax)}`;
    objections.push(`with detection ${percent(on.errorShare)} got no preview, ${limit}`);
  }
  if (on.callsUntilFound === Number.POSITIVE_INFINITY) {
    const when = `${phasesMs.found / 1_000} s`;
    objections.push(`with detection the canary was not put aside within ${when}, or came back`);
  }
  if (on.canaryCalls > 0) {
    objections.push(`with detection ${on.canaryCalls} calls reached the canary all the same`);
  }
  return objections;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
