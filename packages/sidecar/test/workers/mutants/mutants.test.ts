// The suite must kill each mutant: one of the traps has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { type DivideModule, divideTraps } from "../divide-traps.ts";
import { mutants } from "./mutants.ts";

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source) => {
    const file = path.join(source, "workers/divide.ts");
    const module: DivideModule = await import(/* @vite-ignore */ file);
    return await faultOf(() => {
      for (const trap of Object.values(divideTraps)) trap(module);
    });
  },
});
