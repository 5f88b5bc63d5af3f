import { checkSeed } from "@compendium/simulation";
import { expect, test } from "vitest";
import * as subject from "../../src/net/index.ts";
import { talkScenario } from "./scenario.ts";

const SEEDS = 30;

test(`through ${SEEDS} hostile worlds nothing arrives twice, altered or out of order, and talk goes on`, async () => {
  const scenario = talkScenario(subject);
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure } = await checkSeed(scenario, seed);
    expect(failure === undefined ? undefined : { seed, failure }).toBeUndefined();
  }
}, 120_000);

test("the same seed gives the same run", async () => {
  const { failure } = await checkSeed(talkScenario(subject), 7, { twice: true });
  expect(failure).toBeUndefined();
});
