// The shapes must kill each mutant of the rules.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { checkShapes } from "./check.ts";
import { mutants } from "./mutants.ts";

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: (source) => faultOf(() => checkShapes(source)),
});
