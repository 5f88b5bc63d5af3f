// Many seeds in one thread. They take turns: when one world waits for its promise continuations to
// run, the next one has its event. Each turn of the event loop then serves all of them, which makes
// a step several times cheaper than one world alone could have it. Worlds share nothing, so that
// taking turns changes nothing about any of them.

import { type CheckOptions, checkSeed, type Scenario, type Verdict } from "./scenario.ts";

/** Which seeds, and how. */
export interface SimulateOptions extends Pick<CheckOptions, "twice" | "calm" | "only"> {
  /** How many seeds. Default 100. */
  seeds?: number;
  /** The first of them. Default 0. */
  first?: number;
  /** How many worlds take turns. Default 16. */
  worlds?: number;
  /** Called after each seed. */
  onVerdict?: (verdict: Verdict) => void;
}

/** What became of many seeds. */
export interface Summary {
  /** How many seeds were run; fewer than asked for where one failed. */
  readonly seeds: number;
  /** How many events they had. */
  readonly events: number;
  /** The failing run of the lowest seed among those that were run. */
  readonly failure: Verdict | undefined;
}

/** Runs seeds until one fails; those that are under way then are finished. */
export async function simulate(
  scenario: Scenario,
  { seeds = 100, first = 0, worlds = 16, onVerdict, ...options }: SimulateOptions = {},
): Promise<Summary> {
  let next = first;
  let done = 0;
  let events = 0;
  const failures: Verdict[] = [];
  const work = async (): Promise<void> => {
    while (next < first + seeds && failures.length === 0) {
      const verdict = await checkSeed(scenario, next++, options);
      done++;
      events += verdict.events;
      onVerdict?.(verdict);
      if (verdict.failure !== undefined) failures.push(verdict);
    }
  };
  await Promise.all(Array.from({ length: Math.min(worlds, seeds) }, work));
  const [failure] = failures.sort((a, b) => a.seed - b.seed);
  return { seeds: done, events, failure };
}
