// The suite must kill each mutant: one of the traps has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { mutants } from "./mutants.ts";
import { traps } from "./traps.ts";

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source) => {
    const subject = await import(/* @vite-ignore */ path.join(source, "index.ts"));
    return await faultOf(() => {
      for (const trap of traps) trap(subject);
    });
  },
});
