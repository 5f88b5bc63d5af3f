// The schedules or the traps must kill each mutant.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { mutants } from "./mutants.ts";
import { traps } from "./traps.ts";
import { drawDocumentSteps, type Package, playDocuments } from "./world.ts";

const SEEDS = 400;

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  findFault: async (source) => {
    const subject = (await import(/* @vite-ignore */ path.join(source, "index.ts"))) as Package;
    return await faultOf(() => {
      for (const trap of Object.values(traps)) trap(subject);
      for (let seed = 0; seed < SEEDS; seed++) {
        playDocuments(subject, drawDocumentSteps(seed), 2 + (seed % 3));
      }
    });
  },
});
