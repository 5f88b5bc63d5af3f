// Histories on which planted bugs show, for any copy of the package. Random small histories against
// the definition find most; each of the rest has one made for it.
import assert from "node:assert/strict";
import type * as Linearizability from "@compendium/linearizability";
import fc from "fast-check";
import { isLinearizable } from "../brute-force.ts";
import { anyHistory } from "../generate.ts";
import { overlapping, type Step, sequence } from "../histories.ts";
import { type Package, type Subject, subjects, subjectsOf } from "../models.ts";

type Copy = Package & typeof Linearizability;

/** Throws where the copy gives a wrong verdict, proves nothing, or takes far too long. */
export type Trap = (copy: Copy) => void;

// A mutant may run in circles.
const limits = { stepsMax: 100_000 };
// What falls into a trap is as good as found: nobody asks for the smallest history that does.
const endOnFailure = true;

const write = (value: number): Step => [{ f: "write", value }, undefined];
const read = (value: number): Step => [{ f: "read" }, value];
const compare = (from: number, to: number): Step => [{ f: "cas", from, to }, true];
const enqueue = (value: number): Step => [{ f: "enqueue", value }, undefined];
const dequeue = (value: number): Step => [{ f: "dequeue" }, value];

const made: Readonly<Record<string, Trap>> = {
  "a hard part beside an easy one": ({ check, kvModel }) => {
    const { verdict, steps } = check(hardAndEasy(), kvModel(), { stepsMax: 100_000 });
    assert.equal(verdict, "illegal");
    assert.ok(steps < 20_000);
  },

  "a part that is out of memory": ({ check, kvModel }) => {
    const hard = hardAndEasy().filter(({ input }) => input.key === "hard");
    const { verdict, parts } = check(hard, kvModel(), {
      stepsMax: 2_000_000,
      memoryBytesMax: 1024 * 1024,
    });
    assert.equal(verdict, "unknown");
    assert.equal(parts[0]?.exhausted, "memory");
  },

  // Of equal writes, all that counts is which of them are done: 2^10 subsets, 10! orders.
  "ten writes in any order": ({ check, registerModel }) => {
    const writes = overlapping(Array.from({ length: 10 }, () => [write(1), 0, 1]));
    const history = [...writes, ...overlapping([[read(2), 2, 3]])];
    const { verdict, configurations } = check(history as never, registerModel(), limits);
    assert.equal(verdict, "illegal");
    assert.ok(configurations <= 2 ** 10, `visited ${configurations}`);
  },

  // Between the two that overlap, the lost write would help, and the other order does without. It
  // must, because the read needs the lost write. The search comes to the wasteful order first.
  "a lost write that is needed later": ({ check, registerModel }) => {
    const answered = overlapping([
      [write(1), 0, 1],
      [write(0), 2, 3],
      [compare(1, 0), 2, 3],
      [read(1), 4, 5],
    ]);
    const lost = { input: write(1)[0], call: 2 };
    const { verdict } = check([...answered, lost] as never, registerModel(), limits);
    assert.equal(verdict, "ok");
  },

  // After the first write of 1, only the order 2, 1, 3, 4 explains the answers. The search comes to
  // 1, 2, 3 first: the same writes, the same value, but the read has missed its 1.
  "a read on the way": ({ check, registerModel }) => {
    const history = overlapping([
      [write(1), 0, 1],
      [write(1), 2, 6],
      [write(2), 2, 3],
      [write(3), 2, 20],
      [compare(3, 4), 5, 7],
      [read(1), 5, 20],
      [read(4), 30, 31],
    ]);
    assert.equal(check(history as never, registerModel(), limits).verdict, "ok");
  },

  // What was left once may be seen again if it is made again: by a write, or by deleting what has
  // taken the place of what was there at first.
  "a value that comes back": ({ check, registerModel, kvModel }) => {
    const twice = sequence([write(1), write(2), write(1), read(1)]);
    assert.equal(check(twice as never, registerModel(), limits).verdict, "ok");
    const gone = sequence([
      [{ f: "put", key: "k", value: 1 }, undefined],
      [{ f: "delete", key: "k" }, undefined],
      [{ f: "get", key: "k" }, null],
    ]);
    assert.equal(check(gone as never, kvModel(), limits).verdict, "ok");
  },

  // With a removal in the history, nothing is foreseen: only the read itself can object.
  "a read that misses an element": ({ check, setModel }) => {
    const history = sequence([
      [{ f: "add", value: 1 }, true],
      [{ f: "add", value: 2 }, true],
      [{ f: "remove", value: 1 }, true],
      [{ f: "read" }, []],
    ]);
    assert.equal(check(history as never, setModel(), limits).verdict, "illegal");
  },

  // Who takes the first element called at the very moment at which the second was handed out.
  "a moment in which either element may leave": ({ check, queueModel }) => {
    const history = overlapping([
      [enqueue(1), 0, 1],
      [enqueue(2), 2, 3],
      [dequeue(2), 4, 5],
      [dequeue(1), 5, 6],
    ]);
    assert.equal(check(history as never, queueModel(), limits).verdict, "ok");
  },

  // Many ways lead to one value, and they differ in what is left to do from there.
  "a walk that was really taken": ({ check, registerModel }) => {
    fc.assert(
      fc.property(walk, (history) => {
        assert.equal(check(history as never, registerModel(), limits).verdict, "ok");
      }),
      { numRuns: 1_000, endOnFailure },
    );
  },
};

/** Those made for one bug, and the definition for each model. By name. */
export const traps: Readonly<Record<string, Trap>> = {
  ...made,
  ...Object.fromEntries(
    subjects.map(({ name }) => {
      const trap: Trap = (copy) => {
        const subject = subjectsOf(copy).find((each) => each.name === name);
        assert.ok(subject);
        assertDefinition(copy, subject);
      };
      return [`the definition, ${name}`, trap] as const;
    }),
  ),
};

function assertDefinition({ check, counterexample }: Copy, subject: Subject): void {
  fc.assert(
    fc.property(anyHistory(subject), (history) => {
      const model = subject.make();
      const legal = isLinearizable(history, model);
      assert.equal(check(history, model, limits).verdict, legal ? "ok" : "illegal");
      const proof = counterexample(history, model, limits);
      assert.equal(proof === undefined, legal);
      if (proof === undefined) return;
      const others = history.filter((operation) => !proof.operations.includes(operation));
      assert.equal(isLinearizable(history, model, others), false);
    }),
    { numRuns: 1_000, endOnFailure },
  );
}

// Comparisons, each from the value to which the one before it led, at moments 0, 1, 2 …; each takes
// some time before and after its moment, so that about seven overlap.
const walk = fc
  .array(fc.record({ to: fc.nat(15), before: fc.nat(6), after: fc.nat(6) }), {
    minLength: 16,
    maxLength: 16,
  })
  .map((steps) =>
    overlapping([
      [write(0), -10, -9],
      ...steps.map(({ to, before, after }, moment) => {
        const step = compare(steps[moment - 1]?.to ?? 0, to);
        return [step, moment - before, moment + after] as const;
      }),
    ]),
  );

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
