// What a limit on calls in flight is: a number that finds itself. It is told how every call went,
// and answers how many may run at once. No clock, no timer, no chance: samples in, a limit out, so
// that the object which guards production is the one that ten thousand seeds have been run against.
//
// The idea and its names: Netflix concurrency-limits ("Performance Under Load", Netflix Technology
// Blog, 2018), which took it from TCP. In flight is the congestion window, a timeout is a loss.

/** How one call went. */
export interface LimitSample {
  /** From its admission to its end. */
  rttMs: number;
  /** How many calls were in flight when it was admitted, itself among them. */
  inFlight: number;
  /** It timed out, or the server turned it away: a sign of overload, and no measure of it. */
  dropped: boolean;
  /** When it ended, on any monotonic axis. */
  nowMs: number;
}

/** A limit on calls in flight. Belongs to one policy. */
export interface Limit {
  /** How many calls may be in flight now: a whole number. */
  readonly limit: number;
  /** Takes in how a call went, and returns the limit from now on. O(1). */
  onSample(sample: LimitSample): number;
}

/** Bounds of a limit. */
export interface LimitOptions {
  /** Where it begins. A whole number within the bounds; default 20, or the bound next to it. */
  initialLimit?: number;
  /** It never falls below this. A whole number from 1; default 1. */
  limitMin?: number;
  /** It never rises above this. A whole number from `limitMin`; default 1,000. */
  limitMax?: number;
}

/** @internal The bounds, checked. Throws a RangeError that names the option. */
export function checkBounds(options: LimitOptions): Required<LimitOptions> {
  const { limitMin = 1 } = options;
  const { limitMax = Math.max(1000, limitMin) } = options;
  const { initialLimit = Math.min(limitMax, Math.max(limitMin, 20)) } = options;
  checkWhole("limitMin", limitMin, 1, Number.MAX_SAFE_INTEGER);
  checkWhole("limitMax", limitMax, limitMin, Number.MAX_SAFE_INTEGER);
  checkWhole("initialLimit", initialLimit, limitMin, limitMax);
  return { limitMin, limitMax, initialLimit };
}

/** @internal */
export function checkWhole(name: string, value: number, from: number, to: number): void {
  if (Number.isInteger(value) && value >= from && value <= to) return;
  throw new RangeError(`${name} must be a whole number from ${from} to ${to}, got ${value}`);
}

/** @internal Both ends excluded. */
export function checkBetween(name: string, value: number, above: number, below: number): void {
  if (value > above && value < below) return;
  throw new RangeError(`${name} must be above ${above} and below ${below}, got ${value}`);
}

/** @internal */
export function checkLimit(limit: Limit): void {
  if (typeof limit?.onSample === "function" && Number.isInteger(limit.limit)) return;
  throw new TypeError("limit must be a limit such as gradient2(), vegas() or aimd()");
}
