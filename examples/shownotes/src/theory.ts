// What X1 must show if the theory is right, computed from the scenario alone, before anything runs.
//
// Off. Little's law, L = λ · W: previews that arrive at λ and stay W = 5 s want λ·W places. There are
// only L. They are gone L/λ after the fault begins, and the first comes back when the first slow
// preview ends, W after the fault began. Whoever arrives in between waits for that moment.
//
// On. Previews hold at most the breaker's inFlightMax, fewer than L, so nobody else waits. The
// breaker opens when enough of its window is slow: a call is known to be slow after slowAfterMs, and
// they come 1/λ apart. Then it rests, probes, finds the probes slow, rests again; once the fault is
// over, the next round of probes closes it.
import type { Scenario } from "./scenario.ts";

/** What is expected of a run, in the terms in which it is measured. */
export interface Prediction {
  /** Share of the other requests answered in time, during the fault. */
  othersWithin: number;
  /** 99th percentile of the other requests' time, in ms; 0 stands for "no waiting". */
  othersP99Ms: number;
  /** Calls that reach the preview service during the fault. */
  previewCalls: number;
  /** The breaker's changes of state, in ms after the fault began. */
  transitions: { to: string; atMs: number }[];
}

/** Without breaker and bulkhead. Holds for a fault that fills the places and ends before the first is free. */
export function predictOff({ load, phasesMs, preview, edge }: Scenario): Prediction {
  const previewsPerMs = (load.ratePerSecond * load.previewShare) / 1_000;
  const fullAtMs = edge.inFlightMax / previewsPerMs;
  if (fullAtMs >= phasesMs.fault) throw new RangeError("this fault never fills the edge");
  return {
    othersWithin: fullAtMs / phasesMs.fault,
    // The slowest hundredth are those who arrived first once the places were gone.
    othersP99Ms: preview.faultDelayMs - fullAtMs - phasesMs.fault / 100,
    previewCalls: edge.inFlightMax,
    transitions: [],
  };
}

/** With breaker and bulkhead. */
export function predictOn({ load, phasesMs, preview, breaker }: Scenario): Prediction {
  const previewsPerMs = (load.ratePerSecond * load.previewShare) / 1_000;
  const slowCalls = Math.ceil(breaker.slowRateThreshold * breaker.window.calls);
  const slowProbes = Math.ceil(breaker.slowRateThreshold * breaker.halfOpenCalls);
  // The first of n slow calls is known as slow by the next arrival after slowAfterMs, on average
  // half a gap late; the others follow one gap apart.
  const afterSlow = (n: number) => breaker.slowAfterMs + (n - 0.5) / previewsPerMs;

  const transitions = [];
  let atMs = afterSlow(slowCalls);
  let previewCalls = Math.min(breaker.inFlightMax, Math.round(atMs * previewsPerMs));
  transitions.push({ to: "open", atMs });
  for (;;) {
    atMs += breaker.openForMs + 0.5 / previewsPerMs;
    transitions.push({ to: "half-open", atMs });
    if (atMs > phasesMs.fault) break;
    previewCalls += breaker.halfOpenCalls;
    atMs += afterSlow(slowProbes);
    transitions.push({ to: "open", atMs });
  }
  // A probe that is not slow answers after the usual delay; enough of them close the breaker.
  const goodProbes = breaker.halfOpenCalls - slowProbes + 1;
  transitions.push({
    to: "closed",
    atMs: atMs + (goodProbes - 1) / previewsPerMs + preview.delayMs,
  });
  return { othersWithin: 1, othersP99Ms: 0, previewCalls, transitions };
}
