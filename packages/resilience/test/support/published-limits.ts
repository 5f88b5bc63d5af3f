// Netflix's Gradient2Limit and VegasLimit as they are published (concurrency-limits, 0.5): the same
// formulas and defaults, for the comparison in simulate-limits.ts. Not for use: see the headers of
// src/limits for what happens to them. Windows are those of its WindowedLimit, 100 ms at least,
// which is the shortest that it allows.
import type { Limit, LimitSample } from "@compendium/resilience";

/** Calls `act` with the mean response time of each window of 100 ms and ten calls. */
function windowed(act: (rttMs: number, inFlightMax: number, dropped: boolean) => number): Limit {
  const limit = { limit: 20, onSample };
  let endsAtMs = 0;
  let samples = 0;
  let sum = 0;
  let inFlightMax = 0;
  let anyDropped = false;
  function onSample({ rttMs, inFlight, dropped, nowMs }: LimitSample): number {
    samples++;
    sum += rttMs;
    inFlightMax = Math.max(inFlightMax, inFlight);
    anyDropped ||= dropped;
    if (nowMs <= endsAtMs) return limit.limit;
    endsAtMs = nowMs + 100;
    if (samples >= 10) limit.limit = Math.floor(act(sum / samples, inFlightMax, anyDropped));
    samples = sum = inFlightMax = 0;
    anyDropped = false;
    return limit.limit;
  }
  return limit;
}

/** gradient = longRtt / rtt in [0.5, 1]; limit × gradient + 4, a fifth of the way. */
export function publishedGradient2(): Limit {
  let limit = 20;
  let long = 0;
  let seen = 0;
  return windowed((rttMs, inFlightMax) => {
    // An exponential mean over 600 windows, a plain one over the first ten.
    seen++;
    long += (rttMs - long) * (seen <= 10 ? 1 / seen : 2 / 601);
    if (long / rttMs > 2) long *= 0.9;
    if (inFlightMax < limit / 2) return limit;
    const gradient = Math.max(0.5, Math.min(1, long / rttMs));
    limit = Math.max(20, Math.min(200, 0.8 * limit + 0.2 * (limit * gradient + 4)));
    return limit;
  });
}

/** A queue of 3 to 6 log10(limit), against the least response time of a window. */
export function publishedVegas(): Limit {
  let limit = 20;
  let noLoad = Number.POSITIVE_INFINITY;
  let probe = 0;
  return windowed((rttMs, inFlightMax, dropped) => {
    // The jitter of the probe is left out: always the middle of its range.
    if (++probe >= 0.75 * 30 * limit) {
      probe = 0;
      noLoad = rttMs;
      return limit;
    }
    if (rttMs < noLoad) {
      noLoad = rttMs;
      return limit;
    }
    const log = Math.max(1, Math.floor(Math.log10(limit)));
    const queue = Math.ceil(limit * (1 - noLoad / rttMs));
    if (dropped) limit -= log;
    else if (inFlightMax * 2 < limit) return limit;
    else if (queue <= log) limit += 6 * log;
    else if (queue < 3 * log) limit += log;
    else if (queue > 6 * log) limit -= log;
    limit = Math.max(1, Math.min(1000, limit));
    return limit;
  });
}
