// The traps must kill each mutant.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { mutants } from "./mutants.ts";
import type { Subject } from "./story.ts";
import { quickTraps } from "./traps/all.ts";

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  findFault: async (source) => {
    const subject = (await import(path.join(source, "wal/index.ts"))) as Subject;
    for (const { name, run } of quickTraps) {
      const fault = await faultOf(() => run(subject));
      if (fault !== undefined) return `${name}: ${fault}`;
    }
    return undefined;
  },
});
