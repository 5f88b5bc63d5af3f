// The limiter in memory against the models, over adversarial histories; `npm run simulate` leads it
// through a million of them.
import { expect, test } from "vitest";
import * as subject from "../src/index.ts";
import { checkSeed } from "./support/check-history.ts";
import { drawHistory } from "./support/histories.ts";

test("every decision is the one that its definition says", () => {
  for (let seed = 0; seed < 3_000; seed++) checkSeed(subject, seed);
});

test("a seed is a history", () => {
  expect(drawHistory(7)).toEqual(drawHistory(7));
  expect(drawHistory(7)).not.toEqual(drawHistory(8));
});
