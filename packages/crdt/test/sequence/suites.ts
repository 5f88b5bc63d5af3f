// The suites of `npm run simulate crdt` for sequences.
import type { Suite } from "../simulation/suites.ts";
import { checkNoInterleaving } from "./interleaving.ts";
import { drawSteps, play, type Sequence, type Subject, shrink } from "./schedule.ts";
import { listSubject, type Sequences, textSubject } from "./subjects.ts";

const schedules = <S extends Sequence>(
  name: string,
  subjectOf: (classes: Sequences) => Subject<S>,
): Suite => ({
  name,
  cases: 100_000,
  casesInTest: 2_500,
  check(seed, classes) {
    const subject = subjectOf(classes);
    const steps = drawSteps(seed);
    try {
      play(subject, steps);
    } catch (cause) {
      const shrunk = shrink(subject, steps) ?? { steps, error: cause };
      const list = shrunk.steps.map((step) => `  ${JSON.stringify(step)}`).join("\n");
      throw new Error(`${name}, seed ${seed}: ${shrunk.error}\n${list}`, { cause });
    }
  },
});

/** Schedules of text and of list, and runs that must not mix. */
export const sequenceSuites: readonly Suite[] = [
  schedules("text", textSubject),
  schedules("list", listSubject),
  {
    name: "no-interleaving",
    cases: 1_000_000,
    casesInTest: 5_000,
    check: checkNoInterleaving,
  },
];
