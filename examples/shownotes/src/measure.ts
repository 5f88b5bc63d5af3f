// The two numbers by which a load is judged.
import type { Sample } from "./load.ts";

/** The share of samples that were answered with 200 within `withinMs`. NaN when there are none. */
export function shareWithin(
  samples: readonly Pick<Sample, "status" | "tookMs">[],
  withinMs: number,
): number {
  const inTime = samples.filter(({ status, tookMs }) => status === 200 && tookMs <= withinMs);
  return inTime.length / samples.length;
}

/** The nearest-rank percentile of the times, q from 0 to 1. NaN when there are none. */
export function percentile(samples: readonly Pick<Sample, "tookMs">[], q: number): number {
  // Two that never ended differ by NaN, which sort takes for 0: rightly, here.
  const sorted = samples.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}
