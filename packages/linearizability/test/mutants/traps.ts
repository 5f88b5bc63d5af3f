// Histories on which planted bugs show, for any copy of the package. Random small histories against
// the definition find most; each of the rest has one made for it.
import assert from "node:assert/strict";
import type * as Linearizability from "@compendium/linearizability";
import fc from "fast-check";
import { isLinearizable } from "../brute-force.ts";
import { anyHistory } from "../generate.ts";
import { type Step, sequence } from "../histories.ts";
import { type Package, subjectsOf } from "../models.ts";

const RUNS = 1_500;
// A mutant may run in circles.
const limits = { stepsMax: 100_000 };

/** Throws where the package gives a wrong verdict, or a counterexample that proves nothing. */
export const traps: readonly ((subject: Package & typeof Linearizability) => void)[] = [
  function hardPartBesideAnEasyOne({ check, kvModel }) {
    const { verdict, steps } = check(hardAndEasy(), kvModel(), { stepsMax: 100_000 });
    assert.equal(verdict, "illegal");
    assert.ok(steps < 20_000);
  },

  function outOfMemory({ check, kvModel }) {
    const hard = hardAndEasy().filter(({ input }) => (input as { key: string }).key === "hard");
    const { verdict, parts } = check(hard as never, kvModel(), {
      stepsMax: 2_000_000,
      memoryBytesMax: 1024 * 1024,
    });
    assert.equal(verdict, "unknown");
    assert.equal(parts[0]?.exhausted, "memory");
  },

  function definition(subject) {
    for (const each of subjectsOf(subject)) {
      fc.assert(
        fc.property(anyHistory(each), (history) => {
          const model = each.make();
          const legal = isLinearizable(history, model);
          assert.equal(subject.check(history, model, limits).verdict, legal ? "ok" : "illegal");
          const proof = subject.counterexample(history, model, limits);
          assert.equal(proof === undefined, legal);
          if (proof === undefined) return;
          const others = history.filter((operation) => !proof.operations.includes(operation));
          assert.equal(isLinearizable(history, model, others), false);
        }),
        { numRuns: RUNS },
      );
    }
  },
];

/** One key on which very many orders fit until the last answer, one whose violation is plain. */
export function hardAndEasy(): Linearizability.Operation<Linearizability.KvInput, never>[] {
  // Comparisons from each of seven values to others: each order of them is a walk over a graph that
  // takes every edge once, and none of the walks ends where it must.
  const hard = Array.from({ length: 54 }, (_, index) => ({
    input: { f: "cas", key: "hard", from: index % 7, to: (index * 3 + 1) % 7 },
    output: true,
    call: 1,
    return: 2,
  }));
  const put: Step = [{ f: "put", key: "hard", value: 0 }, undefined];
  const get: Step = [{ f: "get", key: "hard" }, 99];
  const easy = sequence([
    [{ f: "put", key: "easy", value: 1 }, undefined],
    [{ f: "get", key: "easy" }, 2],
  ]);
  return [
    ...sequence([put]).map((each) => ({ ...each, call: 0, return: 0 })),
    ...hard,
    ...sequence([get]).map((each) => ({ ...each, call: 3, return: 4 })),
    ...easy,
  ] as never;
}
