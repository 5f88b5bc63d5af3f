// The hybrid logical clock (S. Kulkarni et al., "Logical Physical Clocks", OPODIS 2014, figure 5):
// a timestamp that is close to the wall clock, and yet later than every timestamp that its maker
// has seen. So "the last writer" means what users mean by it, as far as the clocks agree; and
// whoever has seen a write always overwrites it, even if his clock is behind.
//
// A timestamp is one number, milliseconds × 2048 + a count: the count of the paper carries into the
// milliseconds by itself when it overflows, and the whole rule is max(last + 1, now). 2^53 lasts
// until the year 2109. §6 of the paper asks to refuse timestamps too far ahead, or one wrong clock
// would drag all others along for ever; here that is a typed error.
import { CrdtError } from "../errors.ts";

/** How many timestamps one millisecond has. */
export const STAMPS_PER_MS = 2048;

/** How a clock is set up. */
export interface HybridLogicalClockOptions {
  /** The wall clock, in milliseconds since 1970. It may stand still or go back. */
  readonly wallMs: () => number;
  /**
   * How far ahead of the wall clock a timestamp from elsewhere may be. Low, it refuses replicas
   * whose clocks are merely bad; high, one bad clock wins over everybody for that long. Default:
   * a minute.
   */
  readonly aheadMsMax?: number;
}

/** A source of timestamps that never go back. */
export class HybridLogicalClock {
  readonly #wallMs: () => number;
  readonly #aheadMsMax: number;
  #last = 0;

  constructor({ wallMs, aheadMsMax = 60_000 }: HybridLogicalClockOptions) {
    if (!(Number.isSafeInteger(aheadMsMax) && aheadMsMax >= 0)) {
      throw new RangeError(`aheadMsMax must be an integer from 0, got ${aheadMsMax}`);
    }
    this.#wallMs = wallMs;
    this.#aheadMsMax = aheadMsMax;
  }

  /** The last timestamp that was given or received. */
  get last(): number {
    return this.#last;
  }

  /** A timestamp for an event here: later than every one before, given or received. */
  now(): number {
    const stamp = Math.max(this.#last + 1, this.#wall());
    if (stamp > Number.MAX_SAFE_INTEGER) throw new RangeError("the clock has run out of numbers");
    this.#last = stamp;
    return stamp;
  }

  /** Whether a timestamp from elsewhere is near enough to be received. */
  accepts(stamp: number): boolean {
    return stamp <= this.#wall() + this.#aheadMsMax * STAMPS_PER_MS;
  }

  /**
   * Takes a timestamp from elsewhere into account.
   *
   * @throws CrdtError `CRDT_DRIFT` when it lies further ahead than `aheadMsMax`
   */
  receive(stamp: number): void {
    if (!this.accepts(stamp)) {
      const aheadMs = Math.round((stamp - this.#wall()) / STAMPS_PER_MS);
      throw new CrdtError(
        "CRDT_DRIFT",
        `a timestamp is ${aheadMs} ms ahead, at most ${this.#aheadMsMax} ms are allowed`,
      );
    }
    this.#last = Math.max(this.#last, stamp);
  }

  #wall(): number {
    return Math.max(0, Math.floor(this.#wallMs())) * STAMPS_PER_MS;
  }
}

/** The milliseconds since 1970 of a timestamp. */
export function wallMsOf(stamp: number): number {
  return Math.floor(stamp / STAMPS_PER_MS);
}
