// The suite must kill each mutant: a trap has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { mutants } from "./mutants.ts";
import { loadSubject } from "./subject.ts";
import { traps } from "./traps.ts";

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source) => {
    const subject = await loadSubject(source);
    return await faultOf(async () => {
      for (const trap of traps) await trap(subject);
    });
  },
});
