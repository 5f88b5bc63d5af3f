// From a schedule of a dozen faults under which something broke to the few that matter: delta
// debugging (A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE
// TSE 2002), the algorithm ddmin of §3.2. The result is 1-minimal where the runs suffice: take out
// any one fault, and nothing breaks. It is not the smallest there is; that would take exponentially
// many runs.
//
// A shorter schedule need not break in the same way as the longer one did. Any failure is one.

import { checkSeed, faultsOf, type Scenario, type Verdict } from "./scenario.ts";

/** A failing run with as few faults as were found to suffice. */
export interface Shrunk {
  /** How the short run ended. */
  readonly verdict: Verdict;
  /** The numbers of its faults among those that the seed draws. */
  readonly only: readonly number[];
  /** Whether it fails in a network that is calm but for the faults. */
  readonly calm: boolean;
  /** How many runs it took. */
  readonly runs: number;
}

/** Options of {@link shrink}. */
export interface ShrinkOptions {
  /** At most that many runs. Default 500. */
  runsMax?: number;
}

/**
 * Shortens the schedule of a failing seed.
 *
 * @throws RangeError when the seed does not fail
 */
export async function shrink(
  scenario: Scenario,
  seed: number,
  { runsMax = 500 }: ShrinkOptions = {},
): Promise<Shrunk> {
  let only = faultsOf(scenario, seed).map((_, number) => number);
  let runs = 1;
  let verdict = await checkSeed(scenario, seed);
  if (verdict.failure === undefined) throw new RangeError(`seed must fail, ${seed} does not`);

  // Once more runs would be too many, nothing fails any more, and the search ends.
  const fails = async (candidate: readonly number[], calm: boolean): Promise<boolean> => {
    if (runs >= runsMax) return false;
    runs++;
    const next = await checkSeed(scenario, seed, { only: candidate, calm });
    if (next.failure === undefined) return false;
    verdict = next;
    return true;
  };
  const calm = await fails(only, true);
  only = await ddmin(only, (candidate) => fails(candidate, calm));
  return { verdict, only, calm, runs };
}

/** The fewest of `items` (in their order) that `fails` still holds for, in the sense of ddmin. */
export async function ddmin<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => Promise<boolean>,
): Promise<T[]> {
  let kept = [...items];
  if (kept.length > 0 && (await fails([]))) return [];
  for (let parts = 2; kept.length >= 2; ) {
    const smaller = await reduce(kept, parts, fails);
    if (smaller !== undefined) {
      // A part alone is split in two again; of a complement, the other parts are tried.
      parts = smaller.length < kept.length / 2 ? 2 : Math.max(parts - 1, 2);
      kept = smaller;
    } else if (parts < kept.length) parts = Math.min(parts * 2, kept.length);
    else break;
  }
  return kept;
}

async function reduce<T>(
  items: readonly T[],
  parts: number,
  fails: (items: readonly T[]) => Promise<boolean>,
): Promise<T[] | undefined> {
  const bounds = Array.from({ length: parts + 1 }, (_, i) => {
    return Math.floor((i * items.length) / parts);
  });
  const slices = bounds.slice(1).map((end, i) => items.slice(bounds[i], end));
  for (const slice of slices) {
    if (slice.length < items.length && (await fails(slice))) return slice;
  }
  for (const slice of slices) {
    const complement = items.filter((item) => !slice.includes(item));
    if (await fails(complement)) return complement;
  }
  return undefined;
}
