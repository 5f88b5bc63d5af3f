// The suite must kill each mutant: one of the traps or of the histories has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { checkSeed } from "../support/check-history.ts";
import { mutants } from "./mutants.ts";
import type { Subject } from "./subject.ts";
import { traps } from "./traps.ts";

const SEEDS = 3_000;

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  findFault: async (source) => {
    const subject = (await import(/* @vite-ignore */ path.join(source, "index.ts"))) as Subject;
    return await faultOf(() => {
      for (const trap of traps) trap(subject);
      for (let seed = 0; seed < SEEDS; seed++) checkSeed(subject, seed);
    });
  },
});
