// A rate for bytes: the token bucket (J. Turner, "New Directions in Communications", IEEE
// Communications Magazine, 1986), made small on purpose. The bucket holds 20 ms worth of the rate
// and is asked for 10 ms worth at a time, so a limited stream flows in many small slices, as it
// does on a slow line, not in bursts as large as whatever chunk the sender happened to write.
//
// The second half of the bucket is for timers that come late: a slice that was due up to 10 ms ago
// is not lost, so the average stays at the rate. A longer stall is lost; a line does not catch up.
//
// Left out: sharing one rate between connections. Each direction of each one has its own line.

const SLICES_PER_SECOND = 100;

// Sums of products of floats fall short of a whole byte by less than this. Without it the moment
// that readyAtMs() names could come and find 0.9999999 of a byte.
const EPSILON_BYTES = 1e-6;

/** Admits bytes at a rate: never more than `rate × t + burstBytes + 1` in any interval of `t`. */
export class Pacer {
  /** Bytes per second. */
  readonly rateBytesPerSecond: number;
  /** The most that may go in one instant: 20 ms worth of the rate, at least 2 bytes. */
  readonly burstBytes: number;
  readonly #sliceBytes: number;

  // Invariant: 0 <= tokens <= burstBytes, as of filledAtMs. Starts empty: the first byte of a slow
  // line takes its time like every other.
  #tokens = 0;
  #filledAtMs: number;

  /** Starts with nothing to give at `nowMs`. The rate must be positive; `faults.ts` checks it. */
  constructor(rateBytesPerSecond: number, nowMs: number) {
    this.rateBytesPerSecond = rateBytesPerSecond;
    this.#sliceBytes = Math.ceil(rateBytesPerSecond / SLICES_PER_SECOND);
    this.burstBytes = 2 * this.#sliceBytes;
    this.#filledAtMs = nowMs;
  }

  /** Whole bytes that may go at `nowMs`. */
  allowance(nowMs: number): number {
    const earned = (Math.max(0, nowMs - this.#filledAtMs) * this.rateBytesPerSecond) / 1_000;
    this.#tokens = Math.min(this.burstBytes, this.#tokens + earned);
    this.#filledAtMs = nowMs;
    return Math.floor(this.#tokens + EPSILON_BYTES);
  }

  /** Takes `bytes`, at most what {@link Pacer.allowance} said at this same moment. */
  spend(bytes: number): void {
    this.#tokens = Math.max(0, this.#tokens - bytes);
  }

  /** When a slice, or all of `bytes` if that is less, may go. */
  readyAtMs(bytes: number, nowMs: number): number {
    const wanted = Math.min(bytes, this.#sliceBytes);
    if (this.allowance(nowMs) >= wanted) return nowMs;
    const missing = wanted - this.#tokens;
    // A whole millisecond at least, so that whoever waits and asks again gets ahead.
    return nowMs + Math.ceil((missing * 1_000) / this.rateBytesPerSecond);
  }
}
