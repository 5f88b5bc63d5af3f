// Chance as an argument: a core that draws from a `Random` can be run again with the same draws.
// Only integers are handed out. A fraction invites `Math.log` and `Math.pow`, whose last bit
// differs between engines, and then a seed that fails on one machine passes on another.
//
// `value % n` would favour small results whenever n does not divide the range of the generator.
// Both generators here therefore throw away the incomplete last run of the range and draw again,
// which takes fewer than two draws on average. D. Lemire, "Fast Random Integer Generation in an
// Interval" (ACM TOMACS 2019) compares the ways to do it.

/** A source of uniformly distributed integers. */
export interface Random {
  /**
   * A uniform integer in `[0, n)`.
   *
   * @param n an integer in `[1, 2^53]`
   * @throws RangeError when `n` is not
   */
  below(n: number): number;
}

const TWO_32 = 2 ** 32;
const TWO_53 = 2 ** 53;

/** The platform's cryptographic generator: unpredictable, and different in every run. */
export const systemRandom: Random = { below: (n) => uniformBelow(n, systemWord) };

// One call into the platform costs about as much as a thousand words of it.
const pool = new Uint32Array(256);
let poolUsed = pool.length;

function systemWord(): number {
  if (poolUsed === pool.length) {
    crypto.getRandomValues(pool);
    poolUsed = 0;
  }
  return pool[poolUsed++] as number;
}

/**
 * A uniform integer in `[0, n)` made of uniform 32-bit words: one for `n <= 2^32`, else two, and
 * again for the few that would bias the result. Every implementation of {@link Random} over words
 * can share it.
 *
 * @param n an integer in `[1, 2^53]`
 * @param word32 a uniform integer in `[0, 2^32)`
 * @throws RangeError when `n` is out of range
 */
export function uniformBelow(n: number, word32: () => number): number {
  if (!(Number.isInteger(n) && n >= 1 && n <= TWO_53)) {
    throw new RangeError(`n must be an integer in [1, 2^53], got ${String(n)}`);
  }
  if (n <= TWO_32) {
    const fair = TWO_32 - (TWO_32 % n);
    let value = word32();
    while (value >= fair) value = word32();
    return value % n;
  }
  const fair = TWO_53 - (TWO_53 % n);
  let value = word53(word32);
  while (value >= fair) value = word53(word32);
  return value % n;
}

function word53(word32: () => number): number {
  const high21 = word32() >>> 11;
  return high21 * TWO_32 + word32();
}

/**
 * True with probability `numerator / denominator`.
 *
 * @throws RangeError unless both are integers and `0 <= numerator <= denominator`
 */
export function chance(random: Random, numerator: number, denominator: number): boolean {
  if (!(Number.isInteger(numerator) && numerator >= 0 && numerator <= denominator)) {
    throw new RangeError(`numerator must be an integer in [0, ${denominator}], got ${numerator}`);
  }
  return random.below(denominator) < numerator;
}

/**
 * One of `items`, each equally likely.
 *
 * @throws RangeError when there is none
 */
export function pick<T>(random: Random, items: readonly T[]): T {
  if (items.length === 0) throw new RangeError("items must not be empty");
  return items[random.below(items.length)] as T;
}

/**
 * Puts `items` into a random order, in place, every order equally likely (Fisher–Yates), in O(n).
 */
export function shuffle<T>(random: Random, items: T[]): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
  return items;
}
