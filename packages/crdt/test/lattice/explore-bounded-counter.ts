// Every state that three replicas of a bounded counter can come to in so many steps. A step is an
// update at one replica, or the delivery of the present state of one to another (which covers every
// order of deltas: a delta of this type tells of all that its maker knew).
import type { BoundedCounter } from "../../src/index.ts";
import type { Subject } from "./case.ts";

const NAMES = ["a", "b", "c"];

type State = readonly Uint8Array[];

/** What the search has seen. */
export interface Explored {
  readonly states: number;
  readonly decrements: number;
  readonly refusals: number;
}

/** Searches, and throws at the first state that is not as it must be. */
export function exploreBoundedCounter(subject: Subject, depth: number): Explored {
  const counts = { states: 0, decrements: 0, refusals: 0 };
  const open = (state: State): BoundedCounter[] =>
    NAMES.map((replica, i) => {
      const counter = new subject.BoundedCounter({ replica, bound: 10 });
      counter.join(state[i] as Uint8Array);
      return counter;
    });
  const first = NAMES.map((replica) => new subject.BoundedCounter(replica).encode());
  const seen = new Set([keyOf(first)]);
  let frontier: State[] = [first];
  for (let step = 0; step < depth; step++) {
    const next: State[] = [];
    for (const state of frontier) {
      for (const action of actions) {
        const counters = open(state);
        const outcome = action(counters);
        if (outcome === "refused") counts.refusals++;
        if (outcome === "decremented") counts.decrements++;
        check(subject, counters);
        const reached = counters.map((counter) => counter.encode());
        const key = keyOf(reached);
        if (seen.has(key)) continue;
        seen.add(key);
        next.push(reached);
      }
    }
    frontier = next;
  }
  counts.states = seen.size;
  return counts;
}

const keyOf = (state: State): string =>
  state.map((bytes) => Buffer.from(bytes).toString("latin1")).join("|");

type Act = (counters: readonly BoundedCounter[]) => "refused" | "decremented" | "done";

const places = [0, 1, 2];
const others = places.flatMap((from) => places.filter((to) => to !== from).map((to) => [from, to]));

const actions: readonly Act[] = [
  ...places.map(
    (at): Act =>
      (counters) => {
        // Two increments are enough: more are more of the same.
        if ((counters[at] as BoundedCounter).value < 12) counters[at]?.increment(2);
        return "done";
      },
  ),
  ...places.map(
    (at): Act =>
      (counters) => {
        return counters[at]?.decrement(1) === undefined ? "refused" : "decremented";
      },
  ),
  ...others.map(
    ([from = 0, to = 0]): Act =>
      (counters) => {
        const told = counters[from]?.transfer(1, NAMES[to] as string);
        return told === undefined ? "refused" : "done";
      },
  ),
  ...others.map(
    ([from = 0, to = 0]): Act =>
      (counters) => {
        counters[to]?.join((counters[from] as BoundedCounter).encode());
        return "done";
      },
  ),
];

function check(subject: Subject, counters: readonly BoundedCounter[]): void {
  const all = new subject.BoundedCounter({ replica: "all", bound: 10 });
  for (const counter of counters) {
    if (counter.value < 10 || counter.rights < 0) throw new Error("below the bound");
    all.join(counter.encode());
  }
  const rights = NAMES.reduce((sum, name) => sum + all.rightsOf(name), 0);
  if (all.value < 10) throw new Error("together below the bound");
  if (rights !== all.value - 10) throw new Error("rights were lost, or made of nothing");
  for (const [i, counter] of counters.entries()) {
    // Others may have handed it more than it knows of, never less.
    if (counter.rights > all.rightsOf(NAMES[i] as string)) throw new Error("rights out of nothing");
  }
}
