// "Longer than 95 % of the recent calls": a quantile of latencies that costs a few numbers a call
// and never more memory, however many calls there are.
//
// A latency is counted in a bucket whose width grows with it: every power of two is cut into 32
// equal parts (a log-linear histogram, as in HdrHistogram and in Prometheus' native histograms). A
// double already is such a number: its exponent and its first five bits of fraction are the index.
//
//      1/16 ms                1 ms     1.03   1.06                     2 ms           131 s
//     ───┼───── … ─────────────┼────────┼──────┼───── … ────────────────┼──── … ────────┤
//                              └ bucket ┘ answers 1.03 for what lies in it
//
// Old latencies are forgotten by halves: two histograms take turns, and when windowMs have passed
// the older one is emptied. So the answer looks back between one and two windows. Left out:
// t-digest and its kin, exact at the tails of merged data, at ten times the cost per sample.

const PARTS_LOG2 = 5;
const LOWEST_MS_LOG2 = -4;
const HIGHEST_MS_LOG2 = 17;
const BUCKETS = (HIGHEST_MS_LOG2 - LOWEST_MS_LOG2) << PARTS_LOG2;
// The exponent of a double is stored with 1023 added, above 20 of the high word's bits of fraction.
const SHIFT = 20 - PARTS_LOG2;
const BASE = (1023 + LOWEST_MS_LOG2) << PARTS_LOG2;

const bits = new DataView(new ArrayBuffer(8));

/** What {@link LatencyQuantile} needs to know. */
export interface LatencyQuantileOptions {
  /** Which percentile, between 0 and 100, exclusive. */
  percentile: number;
  /** After how many ms the older half is forgotten. Above 0. */
  windowMs: number;
  /** How many latencies must be known before there is an answer. A whole number from 1. */
  minimumCalls: number;
}

/**
 * A percentile of the latencies of the last one to two windows. Never below the exact one, and at
 * most 1/32 above it, between 1/16 ms and 131 s; what lies outside counts as the nearest of these.
 * O(1) amortised and free of allocation; 5.4 kB.
 */
export class LatencyQuantile {
  readonly #share: number;
  readonly #windowMs: number;
  readonly #minimumCalls: number;

  #recent = new Uint32Array(BUCKETS);
  #older = new Uint32Array(BUCKETS);
  #recentCalls = 0;
  #olderCalls = 0;
  // When the recent half began; undefined until the first latency.
  #sinceMs: number | undefined;

  // A finger on the bucket of the last answer, and how many latencies lie in buckets before it. The
  // next answer is rarely far away. Invariant: below is the sum of both halves' [0, finger).
  #finger = 0;
  #below = 0;

  constructor({ percentile, windowMs, minimumCalls }: LatencyQuantileOptions) {
    if (!(percentile > 0 && percentile < 100)) {
      throw new RangeError(`percentile must be between 0 and 100, exclusive, got ${percentile}`);
    }
    if (!(windowMs > 0 && windowMs < Infinity)) {
      throw new RangeError(`windowMs must be a number above 0, got ${windowMs}`);
    }
    if (!(Number.isInteger(minimumCalls) && minimumCalls >= 1)) {
      throw new RangeError(`minimumCalls must be a whole number from 1, got ${minimumCalls}`);
    }
    this.#share = percentile / 100;
    this.#windowMs = windowMs;
    this.#minimumCalls = minimumCalls;
  }

  /** Counts a latency that ended at `now`. */
  record(ms: number, now: number): void {
    this.#turn(now);
    const bucket = bucketOf(ms);
    (this.#recent[bucket] as number)++;
    this.#recentCalls++;
    if (bucket < this.#finger) this.#below++;
  }

  /** The percentile in ms, as of `now`; undefined while fewer than `minimumCalls` are known. */
  valueMs(now: number): number | undefined {
    this.#turn(now);
    const calls = this.#recentCalls + this.#olderCalls;
    if (calls < this.#minimumCalls) return undefined;
    const rank = Math.max(1, Math.ceil(this.#share * calls));
    while (this.#below >= rank) this.#below -= this.#countOf(--this.#finger);
    for (;;) {
      const upTo = this.#below + this.#countOf(this.#finger);
      if (upTo >= rank) return upperEdgeMs(this.#finger);
      this.#below = upTo;
      this.#finger++;
    }
  }

  #countOf(bucket: number): number {
    return (this.#recent[bucket] as number) + (this.#older[bucket] as number);
  }

  #turn(now: number): void {
    this.#sinceMs ??= now;
    const ageMs = now - this.#sinceMs;
    if (ageMs < this.#windowMs) return;
    // After two windows of silence neither half is recent.
    const both = ageMs >= 2 * this.#windowMs;
    const emptied = this.#older.fill(0);
    this.#older = both ? this.#recent.fill(0) : this.#recent;
    this.#olderCalls = both ? 0 : this.#recentCalls;
    this.#recent = emptied;
    this.#recentCalls = 0;
    this.#sinceMs = both ? now : this.#sinceMs + this.#windowMs;
    this.#finger = 0;
    this.#below = 0;
  }
}

function bucketOf(ms: number): number {
  // A clock that did not move between two looks gives 0.
  if (!(ms > 0)) return 0;
  bits.setFloat64(0, ms);
  const bucket = (bits.getUint32(0) >>> SHIFT) - BASE;
  return bucket < 0 ? 0 : bucket < BUCKETS ? bucket : BUCKETS - 1;
}

function upperEdgeMs(bucket: number): number {
  bits.setUint32(0, (bucket + 1 + BASE) << SHIFT);
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
}
