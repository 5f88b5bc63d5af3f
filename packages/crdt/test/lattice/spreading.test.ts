// What stands around the lattice: contexts, buffers of deltas, causal delivery, stability.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AddWinsSet,
  CausalContext,
  CausalInbox,
  CrdtError,
  DeltaBuffer,
  RemoveWinsSet,
  Stability,
} from "../../src/index.ts";

const dots = fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.integer({ min: 1, max: 12 })));

const contextOf = (list: readonly (readonly [string, number])[]): CausalContext => {
  const context = new CausalContext();
  for (const [replica, counter] of list) context.add(replica, counter);
  return context;
};

const setOf = (context: CausalContext): Set<string> => {
  const set = new Set<string>();
  for (const [replica, from, to] of context.intervals()) {
    for (let counter = from; counter < to; counter++) set.add(`${replica}${counter}`);
  }
  return set;
};

describe("a causal context is the set of its dots", () => {
  test("join, minus, meet and covers are those of sets", () => {
    fc.assert(
      fc.property(dots, dots, (left, right) => {
        const [a, b] = [contextOf(left), contextOf(right)];
        const [x, y] = [setOf(a), setOf(b)];
        const joined = a.copy();
        const missing = [...y].filter((dot) => !x.has(dot));
        expect(joined.join(b)).toBe(missing.length > 0);
        expect(setOf(joined)).toEqual(new Set([...x, ...y]));
        expect(setOf(a.minus(b))).toEqual(new Set([...x].filter((dot) => !y.has(dot))));
        expect(setOf(a.meet(b))).toEqual(new Set([...x].filter((dot) => y.has(dot))));
        expect(a.covers(b)).toBe(missing.length === 0);
        expect(a.equals(b)).toBe(missing.length === 0 && x.size === y.size);
        for (const [replica, counter] of right) {
          expect(a.has(replica, counter)).toBe(x.has(`${replica}${counter}`));
        }
      }),
    );
  });

  test("intervals never touch: what is complete is one of them", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8], { minLength: 8 }), (order) => {
        const context = contextOf(order.map((counter) => ["a", counter] as const));
        expect(context.toJSON()).toEqual({ a: [[1, 9]] });
      }),
    );
  });
});

describe("a buffer of deltas", () => {
  test("§5: a neighbour is sent the join of what it has not acknowledged", () => {
    const [eu, us] = [new AddWinsSet<string>("eu"), new AddWinsSet<string>("us")];
    const buffer = new DeltaBuffer();
    for (const value of ["a", "b", "c"]) buffer.push(eu.add(value));
    const interval = buffer.for("us");
    if (interval === undefined || interval === "too-far-behind") throw new Error("nothing to send");
    us.join(interval.delta);
    expect(us.toJSON()).toEqual(["a", "b", "c"]);
    buffer.acknowledge("us", interval.upTo);
    expect([buffer.for("us"), buffer.size]).toEqual([undefined, 0]);
  });

  test("is bounded: who is too far behind is told so", () => {
    const eu = new AddWinsSet<number>("eu");
    const buffer = new DeltaBuffer({ deltasMax: 2 });
    buffer.acknowledge("us", 0);
    for (let i = 0; i < 3; i++) buffer.push(eu.add(i));
    expect([buffer.for("us"), buffer.size]).toEqual(["too-far-behind", 2]);
    buffer.acknowledge("us", 3);
    buffer.forget("us");
    expect(() => buffer.acknowledge("us", 4)).toThrow(RangeError);
    expect(() => new DeltaBuffer({ deltasMax: 0 })).toThrow(RangeError);
  });
});

describe("an inbox of operations", () => {
  test("delivers an answer after its question, and each once", () => {
    const set = new AddWinsSet<string>("eu");
    const [eu, us, ap] = ["eu", "us", "ap"].map((name) => new CausalInbox(name)) as [
      CausalInbox,
      CausalInbox,
      CausalInbox,
    ];
    const question = eu.send(set.add("question"));
    us.receive(question);
    const answer = us.send(set.add("answer"));
    expect([ap.receive(answer), ap.waiting]).toEqual([[], 1]);
    expect(ap.receive(question)).toEqual([question.delta, answer.delta]);
    expect([ap.receive(question), ap.receive(answer), ap.waiting]).toEqual([[], [], 0]);
  });

  test("is bounded, and refuses without having taken", () => {
    const set = new AddWinsSet<number>("eu");
    const [eu, us] = [new CausalInbox("eu"), new CausalInbox("us", { waitingMax: 1 })];
    const [first, second, third] = [1, 2, 3].map((it) => eu.send(set.add(it)));
    us.receive(second!);
    expect(() => us.receive(third!)).toThrow(CrdtError);
    expect(us.receive(first!)).toHaveLength(2);
    expect(us.receive(third!)).toHaveLength(1);
    expect(() => new CausalInbox("us", { waitingMax: 0 })).toThrow(RangeError);
  });
});

test("a tombstone goes when everybody is known to have it", () => {
  const [eu, us] = [new RemoveWinsSet<string>("eu"), new RemoveWinsSet<string>("us")];
  const stability = new Stability(["us"]);
  eu.add("x");
  eu.delete("x");
  const size = eu.encode().length;
  expect(eu.compact(stability.stable(eu.version))).toBeUndefined();
  us.join(eu.state());
  eu.join(us.state());
  stability.joined("us", us.version);
  const delta = eu.compact(stability.stable(eu.version));
  expect(eu.encode().length).toBeLessThan(size);
  us.join(delta!);
  expect(us.equals(eu)).toBe(true);
  expect(() => stability.joined("ap", us.version)).toThrow(RangeError);
  stability.add("ap");
  expect(stability.stable(eu.version).isEmpty).toBe(true);
  stability.remove("ap");
  expect(stability.stable(eu.version).isEmpty).toBe(false);
});
