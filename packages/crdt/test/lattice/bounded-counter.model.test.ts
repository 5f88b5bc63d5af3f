// The bounded counter, exhaustively: three replicas, every interleaving of increments, decrements,
// transfers and deliveries up to a depth, by breadth-first search over states (the class itself is
// run, not a model of it).
import { expect, test } from "vitest";
import * as subject from "../../src/index.ts";
import { exploreBoundedCounter } from "./explore-bounded-counter.ts";

test("no interleaving of three replicas goes below the bound, or loses a right", () => {
  const { states, decrements, refusals } = exploreBoundedCounter(subject, 6);
  expect(states).toBeGreaterThan(1_000);
  // It is not the search that is empty.
  expect(decrements).toBeGreaterThan(1_000);
  expect(refusals).toBeGreaterThan(1_000);
});
