// Whose success rate stands out (Envoy's outlier_detection_impl.cc, successRateEjectionThreshold):
// a host is an outlier if its rate lies below
//
//     mean − factor × standard deviation
//
// of all hosts that had enough requests. The deviation is the population's: these hosts are all
// there are, not a sample of more. For rates of {50, 100, 100, 100, 100} and a factor of 1.9, mean
// 90 and deviation 20 give 52, and the first host is out.
//
// One host cannot lie more than √(n − 1) deviations below the mean of n (P. A. Samuelson, 1968).
// With a factor of 1.9 it takes five hosts for any to be found; of four, none ever is.

/** Where the line is drawn; rates in percent. */
export interface RateThreshold {
  readonly mean: number;
  readonly threshold: number;
}

/** The line below which a rate stands out. Needs at least one rate. */
export function rateThreshold(rates: readonly number[], stdevFactor: number): RateThreshold {
  const mean = rates.reduce((all, rate) => all + rate, 0) / rates.length;
  const variance = rates.reduce((all, rate) => all + (rate - mean) ** 2, 0) / rates.length;
  return { mean, threshold: mean - stdevFactor * Math.sqrt(variance) };
}

/** Counts one interval while the one before it is judged. */
export class RateWindow {
  #total = 0;
  #successes = 0;
  #totalBefore = 0;
  #successesBefore = 0;

  /** Counts one outcome into the interval that is running. */
  count(isSuccess: boolean): void {
    this.#total++;
    if (isSuccess) this.#successes++;
  }

  /** Ends the interval: it is the one to be judged now. */
  swap(): void {
    this.#totalBefore = this.#total;
    this.#successesBefore = this.#successes;
    this.#total = 0;
    this.#successes = 0;
  }

  /** Requests of the interval that ended. */
  get volume(): number {
    return this.#totalBefore;
  }

  /** Its successes in percent. Only with a volume. */
  get rate(): number {
    return (this.#successesBefore * 100) / this.#totalBefore;
  }
}
