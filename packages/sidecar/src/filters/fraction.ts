// Fractions as a configuration has them: so many of a million requests.
import type { Random } from "@compendium/runtime";

const MILLION = 1_000_000;

/** True with the probability `fraction / 1,000,000`; all and none ask no chance. */
export function happens(fraction: number, random: Random): boolean {
  if (fraction <= 0) return false;
  return fraction >= MILLION || random.below(MILLION) < fraction;
}
