// The breaker against its specification as a program. `npm run simulate` does the same by the
// million; COMPENDIUM_CASES says how many are run here.
import { expect, test } from "vitest";
import * as options from "../src/options.ts";
import * as snapshot from "../src/snapshot.ts";
import { StateMachine } from "../src/state-machine.ts";
import { checkSeed } from "./model-check.ts";

const { COMPENDIUM_CASES = "20000" } = process.env;
const cases = Number(COMPENDIUM_CASES);

test(`${cases} random interleavings of calls, time and operators end as the model does`, () => {
  const subject = { StateMachine, ...options, ...snapshot };
  expect(() => {
    for (let seed = 0; seed < cases; seed++) checkSeed(subject, seed);
  }).not.toThrow();
}, 600_000);
