// The time that one unit of cost takes to come back: window / limit, 333,333⅓ µs for 3 per second.
// Rounded to whole µs, it would let through a 3,000,001st request in the millionth second. So it is
// kept as a fraction: whole µs and `part / parts` of another.
//
// A double holds whole numbers exactly up to 2^53. The largest product here is `units × part`, and
// part < parts <= limit: only where `limit × cost` is beyond 2^53 can it be inexact, and such a
// rule is refused. (Reduced by the greatest common divisor first: 10^10 bytes a day is 8 16/25 µs
// a byte, and fine.)
import type { CheckedOptions } from "./rule-options.ts";

// A moment of today in µs since 1970, plus this, is still far below 2^53.
const FILL_YEARS_MAX = 100;
const FILL_US_MAX = FILL_YEARS_MAX * 365.25 * 86_400e6;

/** Exact multiples of window / limit. */
export class Emission {
  /** Whole µs of the interval. */
  readonly whole: number;
  /** What is left over, in units of 1 / parts µs. Invariant: 0 <= part < parts. */
  readonly part: number;
  /** Into how many parts a µs is divided. */
  readonly parts: number;

  /** @throws RangeError when `units` intervals cannot be counted exactly */
  constructor({ limit, windowUs }: CheckedOptions, units: number, unitsName: string) {
    const divisor = greatestCommonDivisor(windowUs, limit);
    this.parts = limit / divisor;
    this.whole = Math.floor(windowUs / limit);
    this.part = (windowUs / divisor) % this.parts;
    if (this.parts * (units + 1) > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(
        `limit × ${unitsName} must stay below 2^53 to be counted exactly, got ${limit} × ${units}`,
      );
    }
    if ((units / limit) * windowUs > FILL_US_MAX) {
      throw new RangeError(
        `${unitsName} must come back within ${FILL_YEARS_MAX} years, ` +
          `got ${units} at ${limit} per ${windowUs / 1000} ms`,
      );
    }
  }

  /** The whole µs of `units` intervals. */
  usOf(units: number): number {
    if (this.part === 0) return units * this.whole;
    return units * this.whole + Math.floor((units * this.part) / this.parts);
  }

  /** What `usOf` leaves over, in units of 1 / parts µs. */
  restOf(units: number): number {
    if (this.part === 0) return 0;
    const product = units * this.part;
    // Exact, and many times faster than `%` on doubles.
    return product - Math.floor(product / this.parts) * this.parts;
  }

  /** How many whole intervals fit into `us + rest / parts` µs. From 0. */
  unitsIn(us: number, rest: number): number {
    if (us < 0) return 0;
    if (this.part === 0) return Math.floor(us / this.whole);
    // The quotient of doubles is off by one at most, and the exact multiples tell.
    let units = Math.floor((us * this.parts + rest) / (this.whole * this.parts + this.part));
    if (!this.#fits(units, us, rest)) units--;
    else if (this.#fits(units + 1, us, rest)) units++;
    return units;
  }

  #fits(units: number, us: number, rest: number): boolean {
    const whole = this.usOf(units);
    return whole < us || (whole === us && this.restOf(units) <= rest);
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
