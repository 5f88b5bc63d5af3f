// Known violations, each planted at the end of a long legal history, and the sentence that it
// breaks.
import {
  check,
  counterexample,
  type History,
  kvModel,
  lockModel,
  type Model,
  queueModel,
  registerModel,
  setModel,
} from "@compendium/linearizability";
import { describe, expect, test } from "vitest";
import { overlapping, type Step, sequence } from "./histories.ts";

interface Violation {
  readonly sentence: string;
  readonly model: () => Model<never, never, never>;
  /** The legal history before. */
  readonly before: (index: number) => Step;
  readonly planted: History;
  /** Operations in the minimal counterexample. */
  readonly proof: number;
}

const violation = <S, I, O>(
  sentence: string,
  model: () => Model<S, I, O>,
  before: (index: number) => Step,
  planted: History,
  proof: number,
): Violation => {
  return { sentence, model: model as unknown as Violation["model"], before, planted, proof };
};

const write = (value: number): Step => [{ f: "write", value }, undefined];
const read = (value: number | null): Step => [{ f: "read" }, value];

const violations: readonly Violation[] = [
  violation(
    "a read returns what was written",
    registerModel,
    write,
    sequence([write(9_001), read(9_002)]),
    1,
  ),
  violation(
    "a read returns the latest write, not one before it",
    registerModel,
    write,
    sequence([write(9_001), write(9_002), read(9_001)]),
    2,
  ),
  violation(
    "of two reads one after the other, the second is not older",
    registerModel,
    write,
    overlapping([
      [write(9_001), 0, 100],
      [read(9_001), 10, 20],
      [read(499), 30, 40],
    ]),
    2,
  ),
  violation(
    "an acknowledged write is not lost",
    kvModel,
    (index) => [{ f: "put", key: `${index % 5}`, value: index }, undefined],
    sequence([
      [{ f: "put", key: "k", value: 1 }, undefined],
      [{ f: "get", key: "k" }, null],
    ]),
    2,
  ),
  violation(
    "an append is applied once",
    () => kvModel({ absent: "" }),
    (index) => [{ f: "append", key: `${index % 5}`, value: "x" }, undefined],
    sequence([
      [{ f: "append", key: "k", value: "x" }, undefined],
      [{ f: "get", key: "k" }, "xx"],
    ]),
    1,
  ),
  violation(
    "of two comparisons from the same value, one fails",
    registerModel,
    write,
    sequence([
      write(9_001),
      [{ f: "cas", from: 9_001, to: 9_002 }, true],
      [{ f: "cas", from: 9_001, to: 9_003 }, true],
    ]),
    2,
  ),
  violation(
    "what was added is there",
    setModel,
    (value) => [{ f: "add", value }, true],
    sequence([
      [{ f: "add", value: 9_001 }, true],
      [{ f: "contains", value: 9_001 }, false],
    ]),
    2,
  ),
  violation(
    "a read of a set misses nothing",
    setModel,
    (index) => [{ f: "add", value: index % 3 }, index < 3],
    sequence([
      [{ f: "add", value: 9_001 }, true],
      [{ f: "read" }, [0, 1, 2]],
    ]),
    2,
  ),
  violation(
    "an element leaves a queue once",
    queueModel,
    (index) => [{ f: index % 2 === 0 ? "enqueue" : "dequeue", value: index >> 1 }, dequeued(index)],
    sequence([
      [{ f: "enqueue", value: 9_001 }, undefined],
      [{ f: "dequeue" }, 9_001],
      [{ f: "dequeue" }, 9_001],
    ]),
    2,
  ),
  violation(
    "elements leave a queue in the order in which they came",
    queueModel,
    (index) => [{ f: index % 2 === 0 ? "enqueue" : "dequeue", value: index >> 1 }, dequeued(index)],
    sequence([
      [{ f: "enqueue", value: 9_001 }, undefined],
      [{ f: "enqueue", value: 9_002 }, undefined],
      [{ f: "dequeue" }, 9_002],
    ]),
    2,
  ),
  violation(
    "a lock has one holder",
    lockModel,
    (index) => [{ f: index % 2 === 0 ? "acquire" : "release", owner: "a" }, true],
    sequence([
      [{ f: "acquire", owner: "a" }, true],
      [{ f: "acquire", owner: "b" }, true],
    ]),
    2,
  ),
  violation(
    "a lock is released by its holder",
    lockModel,
    (index) => [{ f: index % 2 === 0 ? "acquire" : "release", owner: "a" }, true],
    sequence([
      [{ f: "acquire", owner: "a" }, true],
      [{ f: "release", owner: "b" }, true],
    ]),
    1,
  ),
];

function dequeued(index: number): number | undefined {
  return index % 2 === 0 ? undefined : index >> 1;
}

describe.each(violations)("$sentence", ({ model: make, before, planted, proof }) => {
  const legal = sequence(Array.from({ length: 500 }, (_, index) => before(index)));
  const model = make() as unknown as Model<unknown, unknown, unknown>;
  const start = 10_000;
  const whole = [
    ...legal,
    ...planted.map((each) => {
      const returned = each.return === undefined ? undefined : each.return + start;
      return { ...each, call: each.call + start, return: returned };
    }),
  ];

  test("planted, it is found, and nothing else is", () => {
    expect(check(legal, model).verdict).toBe("ok");
    expect(check(whole, model).verdict).toBe("illegal");
  });

  test("the counterexample consists of what was planted", () => {
    const found = counterexample(whole, model);
    expect(found?.minimal).toBe(true);
    expect(found?.places).toHaveLength(proof);
    for (const place of found?.places ?? []) expect(place).toBeGreaterThanOrEqual(legal.length);
  });
});

describe("an operation of unknown outcome", () => {
  const lost = { input: { f: "write", value: 7 }, call: 0 } as const;
  const model = registerModel();

  test("may take effect at once, late, or never", () => {
    for (const values of [
      [7, 7],
      [null, 7],
      [null, null],
    ]) {
      const reads = sequence(values.map(read)).map((each) => ({ ...each, call: each.call + 1 }));
      expect(check([lost, ...reads] as never, model).verdict).toBe("ok");
    }
  });

  test("takes effect once", () => {
    const steps = [read(7), write(8), read(7)];
    const rest = sequence(steps).map((each) => ({ ...each, call: each.call + 1 }));
    expect(check([lost, ...rest] as never, model).verdict).toBe("illegal");
    expect(check([lost, lost, ...rest] as never, model).verdict).toBe("ok");
  });

  test("does not take effect before its call", () => {
    const late = { ...lost, call: 50 };
    expect(check([late, ...sequence([read(7)])] as never, model).verdict).toBe("illegal");
  });

  test("costs little in numbers: two hundred lost writes of five values", () => {
    const writes = Array.from({ length: 200 }, (_, index) => {
      return { input: { f: "write", value: index % 5 } as const, call: index };
    });
    const reads = sequence(Array.from({ length: 300 }, (_, index) => read((index * 3) % 5)));
    const later = reads.map((each) => ({
      ...each,
      call: each.call + 200,
      return: Number(each.return) + 200,
    }));
    const ok = check([...writes, ...later.slice(0, 150)] as never, model);
    expect(ok.verdict).toBe("ok");
    const illegal = check([...writes, ...later] as never, model, { stepsMax: 2_000_000 });
    expect(illegal.verdict).toBe("illegal");
    expect(illegal.steps).toBeLessThan(2_000_000);
  });
});
