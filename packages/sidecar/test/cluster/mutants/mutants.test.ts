// The suite must kill each mutant: a trap or a random history has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { checkOutlierSeed } from "../../outlier/model-check.ts";
import { clusterTraps } from "./cluster-traps.ts";
import { mutants } from "./mutants.ts";
import { pickerTraps } from "./picker-traps.ts";
import { loadSubject } from "./subject.ts";

const SEEDS = 150;

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source) => {
    const subject = await loadSubject(source);
    return await faultOf(async () => {
      for (const trap of pickerTraps) trap(subject);
      for (const trap of clusterTraps) await trap(subject);
      for (let seed = 0; seed < SEEDS; seed++) checkOutlierSeed(subject.outlier, seed);
    });
  },
});
