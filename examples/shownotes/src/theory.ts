// What X1 must show if the theory is right, computed from the scenario alone, before anything runs.
//
// Off. Little's law, L = λ · W: previews that arrive at λ and stay W = 5 s want λ·W places. There
// are only L. They are gone L/λ after the fault begins, and the first comes back when the first
// slow preview ends, W after the fault began. Whoever arrives in between waits for that moment.
//
// On. Previews hold at most the breaker's inFlightMax, fewer than L, so nobody else waits. The
// breaker opens when enough of its window is slow. It looks at the clock only when a call arrives:
// a call is known to be slow at the first arrival after slowAfterMs. Arrivals are random, so from
// any moment the next one is a whole mean gap 1/λ away, not half of one. Then the breaker rests,
// probes, finds the probes slow, rests again; once the fault is over, the next probes close it.
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

/**
 * Without breaker and bulkhead. Throws a RangeError unless the fault fills the places, and ends so
 * long before the first is free again that nobody who waits is in time.
 */
export function predictOff(scenario: Scenario): Prediction {
  const { load, phasesMs, preview, edge, withinMs } = scenario;
  const previewsPerMs = (load.ratePerSecond * load.previewShare) / 1_000;
  const fullAtMs = edge.inFlightMax / previewsPerMs;
  if (fullAtMs >= phasesMs.fault) throw new RangeError("this fault never fills the edge");
  // Else those who arrive shortly before the first place is free would be in time again.
  if (preview.faultDelayMs < phasesMs.fault + withinMs) {
    throw new RangeError("preview.faultDelayMs must be at least phasesMs.fault + withinMs");
  }
  return {
    othersWithin: fullAtMs / phasesMs.fault,
    // The slowest are those who arrived first once the places were gone. The queue drains as places
    // come back, one by one at first: the whole slowest hundredth waits about as long as the first.
    othersP99Ms: preview.faultDelayMs - fullAtMs,
    previewCalls: edge.inFlightMax,
    transitions: [],
  };
}

/** With breaker and bulkhead. */
export function predictOn({ load, phasesMs, preview, breaker }: Scenario): Prediction {
  const previewsPerMs = (load.ratePerSecond * load.previewShare) / 1_000;
  const slowCalls = Math.ceil(breaker.slowRateThreshold * breaker.window.calls);
  const slowProbes = Math.ceil(breaker.slowRateThreshold * breaker.halfOpenCalls);
  const gapMs = 1 / previewsPerMs;

  const transitions = [];
  // The n-th call under the fault arrives n − ½ gaps after it began; the next arrival sees it slow.
  const slowAtMs = breaker.slowAfterMs + (slowCalls - 0.5) * gapMs;
  let previewCalls = Math.min(breaker.inFlightMax, Math.round(slowAtMs * previewsPerMs));
  let atMs = slowAtMs + gapMs;
  transitions.push({ to: "open", atMs });
  for (;;) {
    // The arrival that finds the rest to be over is the first probe, and the others follow.
    atMs += breaker.openForMs + gapMs;
    transitions.push({ to: "half-open", atMs });
    if (atMs > phasesMs.fault) break;
    previewCalls += breaker.halfOpenCalls;
    atMs += (slowProbes - 1) * gapMs + breaker.slowAfterMs + gapMs;
    transitions.push({ to: "open", atMs });
  }
  // A probe that is not slow answers after the usual delay; enough of them close the breaker.
  const goodProbes = breaker.halfOpenCalls - slowProbes + 1;
  transitions.push({
    to: "closed",
    atMs: atMs + (goodProbes - 1) * gapMs + preview.delayMs,
  });
  return { othersWithin: 1, othersP99Ms: 0, previewCalls, transitions };
}
