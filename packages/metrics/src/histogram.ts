// A histogram whose hot path is a comparison or two and an array increment. Every bucket counts its
// own observations; the running totals that Prometheus wants (`le` means "up to and including") are
// added up when someone looks, which is a thousand times rarer than an observation.
//
// The bounds are fixed for life: a few numbers of memory whatever is observed, and the histograms
// of two processes can be added bucket by bucket, which two percentiles cannot.
//
// Left out: negative observations (a sum that goes down looks like a restart to `rate()`),
// exemplars, and Prometheus native histograms, which have no text format.

/** What a {@link Histogram} has counted: a copy that later observations do not change. */
export interface HistogramSnapshot {
  /** Upper bounds, ascending and inclusive; one more bucket, up to +Inf, follows the last. */
  readonly bounds: readonly number[];
  /** Observations of each bucket by itself, not added up: one longer than `bounds`. */
  readonly counts: readonly number[];
  /** The sum of all observations. */
  readonly sum: number;
  /** The number of all observations; equals the sum of `counts`. */
  readonly count: number;
}

const BOUNDS_MAX = 256;

/** Counts observations into fixed buckets. */
export class Histogram {
  readonly #bounds: Float64Array;
  // Doubles, because they count to 2^53; 32-bit integers would wrap within an hour of a busy loop.
  readonly #counts: Float64Array;
  #sum = 0;
  #refused = 0;

  /**
   * @param bounds 1 to 256 finite upper bounds, strictly ascending; +Inf is always added
   * @throws RangeError when they are not
   */
  constructor(bounds: readonly number[]) {
    if (!(bounds.length >= 1 && bounds.length <= BOUNDS_MAX)) {
      throw new RangeError(`bounds must be 1 to ${BOUNDS_MAX} numbers, got ${bounds.length}`);
    }
    for (const [i, bound] of bounds.entries()) {
      const previous = bounds[i - 1] ?? Number.NEGATIVE_INFINITY;
      if (!(Number.isFinite(bound) && bound > previous)) {
        throw new RangeError(`bounds must be finite and ascend, got ${bound} after ${previous}`);
      }
    }
    this.#bounds = Float64Array.from(bounds);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /**
   * Counts one observation, in O(log bounds), without allocating. It never throws: measuring must
   * not break what is measured. A value that is negative or not finite would spoil the sum for
   * good; it is left out and counted in {@link refused}.
   */
  observe(value: number): void {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      this.#refused++;
      return;
    }
    // Invariant: every bound before low is below value; every bound from high on is not.
    let low = 0;
    let high = this.#bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#bounds[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    (this.#counts[low] as number)++;
    this.#sum += value;
  }

  /** How many values were left out: negative ones, NaN and infinities. */
  get refused(): number {
    return this.#refused;
  }

  /** A copy of the state, in O(bounds). */
  snapshot(): HistogramSnapshot {
    const counts = Array.from(this.#counts);
    const count = counts.reduce((sum, of) => sum + of, 0);
    return { bounds: Array.from(this.#bounds), counts, sum: this.#sum, count };
  }

  /** {@link quantileOf} what has been observed so far. */
  quantile(q: number): number {
    return quantileOf(this.snapshot(), q);
  }
}

/**
 * Estimates the value that a share `q` of the observations does not exceed, by the rule of
 * PromQL's `histogram_quantile`: linear inside the bucket in which it falls, whose lower end is
 * the bound before, or 0. It is off by at most that bucket's width. Beyond the last bound nothing
 * is known but that bound, which is the answer then.
 *
 * @returns NaN when nothing has been observed
 * @throws RangeError when `q` is not in [0, 1]
 */
export function quantileOf({ bounds, counts, count }: HistogramSnapshot, q: number): number {
  if (!(q >= 0 && q <= 1)) throw new RangeError(`q must be in [0, 1], got ${q}`);
  if (count === 0) return Number.NaN;
  const rank = q * count;
  let below = 0;
  for (const [i, upper] of bounds.entries()) {
    const inside = counts[i] as number;
    if (inside > 0 && below + inside >= rank) {
      const lower = i === 0 ? Math.min(0, upper) : (bounds[i - 1] as number);
      return lower + (upper - lower) * ((rank - below) / inside);
    }
    below += inside;
  }
  return bounds.at(-1) as number;
}
