// Where to put the bounds of a histogram. What they cost is one time series each; what they buy is
// resolution exactly where a question will be asked ("how many within 250 ms?"). A bound at each
// objective matters more than many bounds.

/**
 * Seconds, from 1 ms to 10 s in steps of 2 to 2.5: calls over a network. The bounds 0.1, 0.25 and 1
 * answer the usual objectives exactly.
 */
export const latencySecondsBounds: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Seconds, from 1 µs to 25 ms in steps of 2 to 2.5: decisions made inside the process. */
export const decisionSecondsBounds: readonly number[] = [
  0.000001, 0.0000025, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025,
  0.005, 0.01, 0.025,
];

/** The arguments of {@link exponentialBounds}. */
export interface ExponentialBounds {
  /** The lowest bound, above 0. */
  from: number;
  /** What each bound is multiplied with for the next, above 1. */
  factor: number;
  /** How many, 1 to 256. */
  count: number;
}

/**
 * `from`, `from * factor`, `from * factor^2` …: a constant relative error.
 *
 * @throws RangeError
 */
export function exponentialBounds({ from, factor, count }: ExponentialBounds): number[] {
  if (!(from > 0 && Number.isFinite(from))) {
    throw new RangeError(`from must be finite and above 0, got ${from}`);
  }
  if (!(factor > 1 && Number.isFinite(factor))) {
    throw new RangeError(`factor must be finite and above 1, got ${factor}`);
  }
  if (!(Number.isInteger(count) && count >= 1 && count <= 256)) {
    throw new RangeError(`count must be an integer in [1, 256], got ${count}`);
  }
  const bounds = Array.from({ length: count }, (_, i) => from * factor ** i);
  if (!Number.isFinite(bounds.at(-1))) {
    throw new RangeError(`the highest bound must be finite, got ${from} * ${factor}^${count - 1}`);
  }
  return bounds;
}
