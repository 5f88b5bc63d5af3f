// Histories with little ceremony.
import type { Operation } from "@compendium/linearizability";

/** A question and its answer. */
export type Step = readonly [input: Readonly<Record<string, unknown>>, output: unknown];

/** One after the other. */
export function sequence(steps: readonly Step[]): Operation[] {
  return steps.map(([input, output], index) => {
    return { input, output, call: 2 * index, return: 2 * index + 1 };
  });
}

/** Each with its call and its return. */
export function overlapping(
  steps: readonly (readonly [step: Step, call: number, returned: number])[],
): Operation[] {
  return steps.map(([[input, output], call, returned]) => {
    return { input, output, call, return: returned };
  });
}
