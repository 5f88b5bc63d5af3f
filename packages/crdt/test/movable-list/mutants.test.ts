// The suite must kill each mutant: one of the checks has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import type * as crdt from "../../src/index.ts";
import { byHand } from "./by-hand.ts";
import { checkDamage } from "./bytes.ts";
import { mutants } from "./mutants.ts";
import { scenarios } from "./scenarios.ts";
import { drawSteps, play } from "./schedule.ts";
import { undoing } from "./undo.ts";

const SEEDS = 400;

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  findFault: async (source) => {
    const subject = (await import(/* @vite-ignore */ path.join(source, "index.ts"))) as typeof crdt;
    return await faultOf(() => {
      for (const each of [scenarios, byHand, undoing]) {
        for (const check of Object.values(each)) check(subject);
      }
      checkDamage(subject);
      for (let seed = 0; seed < SEEDS; seed++) play(subject, drawSteps(seed), 2 + (seed % 3));
    });
  },
});
