// Whole groups on the simulated world, a few seeds of each kind: `npm run simulate raft` has more.
import { checkSeed, simulate } from "@compendium/simulation";
import { expect, test } from "vitest";
import { scenarios } from "./scenarios.ts";

const SEEDS = 12;

test.each(Object.entries(scenarios))("%s: all holds under every seed", async (_name, scenario) => {
  const { seeds, failure } = await simulate(scenario, { seeds: SEEDS });
  expect(failure?.failure?.error).toBeUndefined();
  expect(seeds).toBe(SEEDS);
});

test.each(Object.entries(scenarios))("%s: a seed is the same run twice", async (_, scenario) => {
  const { failure } = await checkSeed(scenario, 1, { twice: true });
  expect(failure?.error).toBeUndefined();
});
