// How long to wait before the next attempt. Growth gives a struggling server room; chance keeps the
// clients that failed together from coming back together (M. Brooker, "Exponential Backoff And
// Jitter", AWS Architecture Blog, 2015, whose names these are).
import type { Random } from "@compendium/runtime";

/** Options of the waits between attempts. */
export interface BackoffOptions {
  /** The first wait's ceiling, in ms. Above 0; default 100. */
  baseMs?: number;
  /** No wait is longer than this, in ms. At least `baseMs`; default 10,000. */
  maxMs?: number;
  /**
   * `full`: anything up to the ceiling, which doubles (the default: least work for the server).
   * `decorrelated`: anything from `baseMs` to three times the last wait, at first three times
   * `baseMs`. `none`: the ceiling itself; for tests, and for a single client.
   */
  jitter?: "full" | "decorrelated" | "none";
}

/**
 * Computes waits, never longer than `maxMs`. It holds no state: the last wait is handed in. Throws
 * a RangeError or TypeError for options out of range.
 */
export class Backoff {
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #jitter: "full" | "decorrelated" | "none";
  readonly #random: Pick<Random, "below">;

  constructor(options: BackoffOptions, random: Pick<Random, "below">) {
    const { baseMs = 100, maxMs = Math.max(10_000, baseMs), jitter = "full" } = options;
    if (!(baseMs > 0 && baseMs < Infinity)) {
      throw new RangeError(`backoff.baseMs must be a number above 0, got ${baseMs}`);
    }
    if (!(maxMs >= baseMs && maxMs < 2 ** 53)) {
      throw new RangeError(`backoff.maxMs must be at least baseMs (${baseMs}), got ${maxMs}`);
    }
    if (!["full", "decorrelated", "none"].includes(jitter)) {
      throw new TypeError(`backoff.jitter must be full, decorrelated or none, got ${jitter}`);
    }
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
    this.#jitter = jitter;
    this.#random = random;
  }

  /** The wait in ms before retry number `retry`, from 1; `lastMs` is what it was the last time. */
  waitMs(retry: number, lastMs: number): number {
    if (this.#jitter === "decorrelated") {
      const ceilingMs = Math.min(this.#maxMs, 3 * Math.max(this.#baseMs, lastMs));
      return this.#baseMs + this.#random.below(Math.floor(ceilingMs - this.#baseMs) + 1);
    }
    const ceilingMs = Math.min(this.#maxMs, this.#baseMs * 2 ** (retry - 1));
    return this.#jitter === "none" ? ceilingMs : this.#random.below(Math.floor(ceilingMs) + 1);
  }
}
