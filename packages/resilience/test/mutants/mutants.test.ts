// The suite must kill each mutant: a sentence of the specification has to fail on it.
import path from "node:path";
import { testPlantedBugs } from "@compendium/house/planted/suite";
import fc from "fast-check";
import { afterAll, beforeAll } from "vitest";
import { turn } from "../core/helpers.ts";
import { specs } from "../core/index.ts";
import { loadSubject } from "../core/subject.ts";
import { mutants } from "./mutants.ts";

// A fixed seed, so that a mutant is not killed by luck; and what fails need not be made small.
beforeAll(() => fc.configureGlobal({ seed: 1, endOnFailure: true }));
afterAll(() => fc.resetConfigureGlobal());

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  findFault: async (source, mutant) => {
    const subject = await loadSubject(source);
    // The sentences about the file itself come first: most mutants die at once.
    const about = specs[path.basename(mutant?.file ?? "", ".ts")] ?? {};
    for (const sentences of [about, ...Object.values(specs)]) {
      for (const [sentence, holds] of Object.entries(sentences)) {
        const ended = await outcomeOf(() => holds(subject));
        if (ended !== "holds") return `${sentence}: ${ended}`;
      }
    }
    return undefined;
  },
});

// A mutant that hangs is dead as well. Time is virtual, so that whoever still waits after so many
// turns of the event loop waits for nothing: the longest sentence takes a fifth of them.
const TURNS_MAX = 50_000;

async function outcomeOf(holds: () => void | Promise<void>): Promise<string> {
  let ended: string | undefined;
  const check = async () => {
    try {
      await holds();
      ended = "holds";
    } catch (error) {
      ended = String(error);
    }
  };
  check();
  for (let turns = 0; ended === undefined && turns < TURNS_MAX; turns++) await turn();
  return ended ?? "hangs";
}
