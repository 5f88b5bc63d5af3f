import {
  check,
  checkInTurns,
  counterexample,
  type History,
  type Operation,
} from "@compendium/linearizability";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isLinearizable } from "./brute-force.ts";
import { anyHistory, realHistory } from "./generate.ts";
import { type Subject, subjects } from "./models.ts";

describe.each(subjects)("$name", (subject) => {
  test("the verdict is the definition's, on any small history", () => {
    const verdicts = { ok: 0, illegal: 0, unknown: 0 };
    fc.assert(
      fc.property(anyHistory(subject), (history) => {
        const model = subject.make();
        const { verdict, parts } = check(history, model);
        verdicts[verdict]++;
        expect(verdict).toBe(isLinearizable(history, model) ? "ok" : "illegal");
        if (verdict === "ok") for (const part of parts) expectOrder(history, subject, part);
      }),
      { numRuns: 1_500 },
    );
    // A generator that only ever makes one kind would prove little.
    expect(Math.min(verdicts.ok, verdicts.illegal)).toBeGreaterThan(100);
    expect(verdicts.unknown).toBe(0);
  });

  test("what a real object did is ok, however its clients overlap and time out", () => {
    fc.assert(
      fc.property(realHistory(subject), (history) => {
        expect(check(history, subject.make()).verdict).toBe("ok");
        expect(counterexample(history, subject.make())).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test("a counterexample is illegal on its own, and none of it can be left out", () => {
    let found = 0;
    fc.assert(
      fc.property(anyHistory(subject), (history) => {
        const model = subject.make();
        const proof = counterexample(history, model);
        expect(proof === undefined).toBe(isLinearizable(history, model));
        if (proof === undefined) return;
        found++;
        expect(proof.minimal).toBe(true);
        expect(proof.operations).toEqual(proof.places.map((place) => history[place]));
        expect(isLinearizable(proof.operations, model)).toBe(false);
        // The whole is illegal whether the others happened or not, and not so for one more.
        const others = history.filter((each) => !proof.operations.includes(each));
        expect(isLinearizable(history, model, others)).toBe(false);
        for (const left of proof.operations) {
          expect(isLinearizable(history, model, [...others, left])).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
    expect(found).toBeGreaterThan(20);
  });

  test("in turns, the result is the same", async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory(subject), async (history) => {
        const model = subject.make();
        const inTurns = await checkInTurns(history, model, { stepsPerTurn: 3 });
        expect(inTurns).toEqual(check(history, model));
      }),
      { numRuns: 50 },
    );
  });
});

function expectOrder(
  history: History,
  subject: Subject,
  part: ReturnType<typeof check>["parts"][number],
): void {
  const order = (part.orders[0] ?? []).map((place) => history[place] as Operation);
  expect(part.orders).toHaveLength(1);
  expect(new Set(order).size).toBe(order.length);
  const required = part.places.filter((place) => history[place]?.return !== undefined);
  expect(order).toEqual(expect.arrayContaining(required.map((place) => history[place])));
  // As a history of which no two operations overlap, the order is legal.
  const oneByOne = order.map((each, index) => ({ ...each, call: index, return: index + 0.5 }));
  const known = oneByOne.filter((_, index) => order[index]?.return !== undefined);
  if (known.length === order.length) expect(isLinearizable(oneByOne, subject.make())).toBe(true);
  for (const [i, one] of order.entries()) {
    for (const later of order.slice(i + 1)) {
      expect((later.return ?? Number.POSITIVE_INFINITY) >= one.call).toBe(true);
    }
  }
}
