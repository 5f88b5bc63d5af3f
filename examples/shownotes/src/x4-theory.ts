// What X4 must show if the theory is right, computed from the scenario alone (J. Dean, L. A.
// Barroso, "The Tail at Scale", CACM 56:2, 2013).
//
// Off. A share s of the calls takes S; the others are even between a and b. With s = 2 %, the 99th
// percentile is a straggler: every percentile above 1 − s is.
//
// On. Whoever is out longer than d, the measured percentile, asks again; for those with an answer
// by then nothing changes. A straggler's second call sets out at d and some: it waits W for the
// wheel of deadlines, even between 0 and one tick. It is quick with 1 − s. So a call takes
//
//     quick           with 1 − s
//     d + W + quick   with s · (1 − s):   the hedge overtook it
//     S               with s²:            both were slow, 0.04 % of the calls
//
// and the 99th percentile is about the middle of d + W + quick. The extra calls are the stragglers,
// s: the quick ones beyond d are answered before the wheel looks. On a real network times are less
// even; then d is larger, and some quick calls are hedged as well: at most 1 − percentile of them.
//
// In a sidecar, d is not measured but written down, as Envoy has it (per_try_timeout), and there is
// no wheel: W is nothing. Above the slowest quick call, d hedges the stragglers and nobody else.
import type { X4Scenario } from "./x4-scenario.ts";

// A tick of the wheel on which hedges wait; its header in packages/resilience says more.
const WHEEL_TICK_MS = 8;

/** What is expected of a run, in the terms in which it is measured; of previews that are due. */
export interface X4Prediction {
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
  /** Calls to the preview service beyond one for each preview, as a share of the previews. */
  extraShare: number;
}

/** Without hedging. */
export function predictUnhedged(scenario: X4Scenario): X4Prediction {
  const at = (q: number) => unhedgedMs(q, scenario);
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), extraShare: 0 };
}

/** With hedging. Throws a RangeError where the percentile after which it hedges is a straggler. */
export function predictHedged(scenario: X4Scenario): X4Prediction {
  const { stragglerShare, quickMsMin, quickMsMax } = scenario.preview;
  const percentile = scenario.client.hedge.percentile / 100;
  if (percentile > 1 - stragglerShare) {
    throw new RangeError("client.hedge.percentile must lie below the stragglers");
  }
  const delayMs = unhedgedMs(percentile, scenario);
  const widths = [WHEEL_TICK_MS, quickMsMax - quickMsMin] as const;
  return predictOvertaken(
    scenario,
    (sooner) => delayMs + quickMsMin + quantileOfSum(sooner, widths),
  );
}

/**
 * With hedging in the preview service's sidecar. Throws a RangeError where that would hedge quick
 * calls, or nothing in time.
 */
export function predictMeshHedged(scenario: X4Scenario): X4Prediction {
  const { quickMsMin, quickMsMax, stragglerMs } = scenario.preview;
  const { hedgeAfterMs } = scenario.mesh;
  if (!(hedgeAfterMs >= quickMsMax && hedgeAfterMs + quickMsMax <= stragglerMs)) {
    throw new RangeError("mesh.hedgeAfterMs must lie between the quick calls and the stragglers");
  }
  const widthMs = quickMsMax - quickMsMin;
  return predictOvertaken(scenario, (sooner) => hedgeAfterMs + quickMsMin + sooner * widthMs);
}

// `overtakenMs` says how long those take that a hedge overtakes, by quantile.
function predictOvertaken(scenario: X4Scenario, overtakenMs: (q: number) => number): X4Prediction {
  const { stragglerShare, stragglerMs } = scenario.preview;
  const at = (q: number) => {
    if (q <= 1 - stragglerShare) return unhedgedMs(q, scenario);
    // Of the stragglers, this share must be answered sooner; a share of 1 − s is hedged in time.
    const sooner = (q - (1 - stragglerShare)) / stragglerShare / (1 - stragglerShare);
    return sooner > 1 ? stragglerMs : overtakenMs(sooner);
  };
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999), extraShare: stragglerShare };
}

function unhedgedMs(q: number, { preview }: X4Scenario): number {
  const { quickMsMin, quickMsMax, stragglerShare, stragglerMs } = preview;
  const quickShare = 1 - stragglerShare;
  if (q > quickShare) return stragglerMs;
  return quickMsMin + (quickMsMax - quickMsMin) * (q / quickShare);
}

// The q-quantile of the sum of two numbers, each even between 0 and its width. Their density is a
// trapezoid: it rises for as long as the smaller width, is level, and falls again.
function quantileOfSum(q: number, widths: readonly [number, number]): number {
  const small = Math.min(...widths);
  const large = Math.max(...widths);
  const rise = small / 2 / large;
  if (q <= rise) return Math.sqrt(2 * small * large * q);
  if (q >= 1 - rise) return small + large - Math.sqrt(2 * small * large * (1 - q));
  return small + (q - rise) * large;
}
