// The worked example: the register as it is holds; each planted bug is found, and by few faults.
import { shrink, simulate } from "@compendium/simulation";
import { expect, test } from "vitest";
import { type Bug, quorumRegister } from "./quorum-register.ts";

test("the register holds under 300 seeds", async () => {
  const { failure, events } = await simulate(quorumRegister(), { seeds: 300 });
  expect(failure).toBeUndefined();
  expect(events).toBeGreaterThan(200_000);
});

const bugs: Bug[] = [
  "acknowledges before sync",
  "counts one as a majority",
  "does not resend",
  "forgets the folder",
];

test.each(bugs)("a register that %s is found out, and the schedule gets short", async (bug) => {
  const scenario = quorumRegister(bug);
  const { failure } = await simulate(scenario, { seeds: 500 });
  expect(failure?.failure).toBeDefined();
  const { verdict } = await shrink(scenario, failure?.seed ?? 0);
  expect(verdict.failure).toBeDefined();
  expect(verdict.faults.length).toBeLessThanOrEqual(4);
});
