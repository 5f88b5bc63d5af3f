// Experiment X4: the same previews from a service with stragglers, first without hedging, then with
// it, on processes that have seen nothing before. Each run begins with a warm-up, in which the
// hedge measures how long calls take; nothing is under way when the judged load begins, so that
// every call that the preview service then counts belongs to it.
//
// Who hedges is for the stacks to know: the edge, or the sidecar in front of the preview service.
// The theory is told, because the one measures its delay and the other was told it.
import type { Experiment } from "./experiments.ts";
import { planArrivals, type RunningLoad, sendLoad } from "./load.ts";
import { percentile } from "./measure.ts";
import { MeshStacks } from "./mesh-stacks.ts";
import { ChildStacks, type Stack, type StackSource } from "./stack.ts";
import { formatX4 } from "./x4-report.ts";
import { type X4Scenario, x4Scenario } from "./x4-scenario.ts";
import {
  predictHedged,
  predictMeshHedged,
  predictUnhedged,
  type X4Prediction,
} from "./x4-theory.ts";

/** One run, measured in the terms in which it was predicted. */
export interface X4Measurement extends X4Prediction {
  /** Previews that were asked for. */
  previews: number;
  /** Calls to the preview service beyond one for each of them. */
  extraCalls: number;
  /** Calls to the preview service that were given up before their answer. */
  abandonedCalls: number;
  /** Previews that were answered with a bare link: quick, but no previews. */
  bareLinks: number;
}

/** Both runs, and what was expected of them. */
export interface X4Comparison {
  off: { measured: X4Measurement; predicted: X4Prediction };
  on: { measured: X4Measurement; predicted: X4Prediction };
  /** What the thresholds of the scenario have against the measured values; empty: nothing. */
  objections: string[];
}

/** Who asks a second time. */
export type Hedger = "edge" | "sidecar";

/** X4 on child processes of its own; with sidecars in front of them, one of these hedges. */
export function createX4(mesh: boolean): Experiment {
  return {
    id: "x4",
    key: "4",
    title: x4Scenario.title,
    run: async (say, signal) => {
      const source = mesh ? new MeshStacks(say) : new ChildStacks(say);
      const hedger: Hedger = mesh ? "sidecar" : "edge";
      const comparison = await runX4(source, x4Scenario, say, signal, hedger);
      const { objections } = comparison;
      const report = formatX4(comparison, x4Scenario, hedger);
      return { report, objections, result: comparison };
    },
  };
}

/**
 * Runs X4. Where stacks are independent, both are warmed up before anything is measured, and the
 * second run begins while the last stragglers of the first are still waited for. Rejects when
 * `signal` is aborted or a service dies meanwhile. Leaves nothing running.
 */
export async function runX4(
  source: StackSource,
  scenario: X4Scenario,
  say: (line: string) => void,
  signal: AbortSignal,
  hedger: Hedger = "edge",
): Promise<X4Comparison> {
  const predictOn = hedger === "edge" ? predictHedged : predictMeshHedged;
  const failing = new AbortController();
  const ending = AbortSignal.any([failing.signal, signal]);
  const stacks: Stack[] = [];
  const warm = async (hedging: boolean): Promise<Stack> => {
    ending.throwIfAborted();
    // Before a sidecar the edge's breaker stands aside: nothing is seen but what the sidecar does.
    const stack = await source.fresh(hedger === "edge");
    stacks.push(stack);
    stack.lost.addEventListener("abort", () => failing.abort(stack.lost.reason));
    await stack.hedge(hedging);
    await stack.straggle(true);
    await send(stack, scenario, scenario.phasesMs.warmUp, ending).answered("preview");
    return stack;
  };
  try {
    say("warming up …");
    const [first, early] = source.independent
      ? await allOrFirstFailure([warm(false), warm(true)])
      : [await warm(false), undefined];
    say("previews without hedging …");
    const offRun = await startRun(first as Stack, scenario, ending);
    if (!source.independent) await offRun.measured;
    const second = early ?? (await warm(true));
    say("the same previews, hedged …");
    const onRun = await startRun(second, scenario, ending);
    const [off, on] = await Promise.all([offRun.measured, onRun.measured]);
    ending.throwIfAborted();
    return {
      off: { measured: off, predicted: predictUnhedged(scenario) },
      on: { measured: on, predicted: predictOn(scenario) },
      objections: objectionsToX4(off, on, scenario),
    };
  } catch (error) {
    // Whatever is still under way in the other run ends as well.
    failing.abort(error);
    throw ending.reason;
  } finally {
    await Promise.all(stacks.map((stack) => stack.stop()));
  }
}

// Nothing may still be starting when what has been started is stopped.
async function allOrFirstFailure<T>(all: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

function send(
  stack: Stack,
  { load }: X4Scenario,
  durationMs: number,
  signal: AbortSignal,
): RunningLoad {
  const plan = planArrivals({ ...load, previewShare: 1, durationMs });
  return sendLoad(stack.edgeUrl, plan, { signal });
}

// Resolves once all requests have been sent; `measured` once all have been answered.
async function startRun(
  stack: Stack,
  scenario: X4Scenario,
  signal: AbortSignal,
): Promise<{ measured: Promise<X4Measurement> }> {
  const look = () => Promise.all([stack.edge(), stack.preview()]);
  const [edgeBefore, before] = await look();
  const load = send(stack, scenario, scenario.phasesMs.measured, signal);

  const measure = async (): Promise<X4Measurement> => {
    const samples = await load.answered("preview");
    const [edge, preview] = await look();
    signal.throwIfAborted();
    if (preview.startedAtMs !== before.startedAtMs) throw new Error("preview was restarted");
    const failed = samples.filter(({ status }) => status !== 200).length;
    const extraCalls = preview.calls - before.calls - samples.length;
    return {
      p50Ms: percentile(samples, 0.5),
      p99Ms: percentile(samples, 0.99),
      p999Ms: percentile(samples, 0.999),
      extraShare: extraCalls / samples.length,
      previews: samples.length,
      extraCalls,
      abandonedCalls: preview.abandonedCalls - before.abandonedCalls,
      bareLinks: edge.bareLinks - edgeBefore.bareLinks + failed,
    };
  };
  const measured = measure();
  // It may fail while the other run is looked at; whoever awaits it is told all the same.
  measured.catch(() => {});
  await load.sent;
  return { measured };
}

/** What the scenario's thresholds have against two runs, a sentence each. */
export function objectionsToX4(
  off: X4Measurement,
  on: X4Measurement,
  { thresholds }: X4Scenario,
): string[] {
  const objections: string[] = [];
  const { bareLinkShareMax } = thresholds;
  const { p99RatioMax, extraShareMax, abandonedShareMin } = thresholds.on;
  for (const [how, run] of [["without", off] as const, ["with", on] as const]) {
    const share = run.bareLinks / run.previews;
    if (share <= bareLinkShareMax) continue;
    const limit = `more than ${percent(bareLinkShareMax)}`;
    objections.push(`${how} hedging ${percent(share)} got no preview, ${limit}`);
  }
  if (!(off.p99Ms >= thresholds.off.p99MsMin)) {
    const limit = `not at least ${thresholds.off.p99MsMin} ms`;
    objections.push(`without hedging the 99th percentile was ${ms(off.p99Ms)}, ${limit}`);
  }
  if (!(on.p99Ms <= p99RatioMax * off.p99Ms)) {
    const limit = `not at most ${percent(p99RatioMax)} of ${ms(off.p99Ms)}`;
    objections.push(`with hedging the 99th percentile was ${ms(on.p99Ms)}, ${limit}`);
  }
  if (!(on.extraShare <= extraShareMax)) {
    const limit = `not at most ${percent(extraShareMax)}`;
    objections.push(`hedging took ${percent(on.extraShare)} more calls, ${limit}`);
  }
  // Of two calls for one preview, one has lost.
  if (!(on.abandonedCalls >= abandonedShareMin * on.extraCalls)) {
    const limit = `not at least ${percent(abandonedShareMin)} of ${on.extraCalls}`;
    objections.push(`${on.abandonedCalls} of the calls that lost were given up, ${limit}`);
  }
  return objections;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function ms(time: number): string {
  return `${time.toFixed(0)} ms`;
}
