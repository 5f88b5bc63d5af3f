// The traps must kill each mutant, or else the hostile worlds must. Time is virtual, so that a
// mutant that waits for ever is found out at once.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { checkSeed } from "@compendium/simulation";
import { mutants } from "./mutants.ts";
import { talkScenario } from "./scenario.ts";
import { traps } from "./traps.ts";
import type { Subject } from "./world.ts";

const SEEDS = 10;

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  findFault: async (source) => {
    const subject = (await import(path.join(source, "net/index.ts"))) as Subject;
    for (const { name, run } of traps) {
      const fault = await faultOf(() => run(subject));
      if (fault !== undefined) return `${name}: ${fault}`;
    }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { failure } = await checkSeed(talkScenario(subject), seed);
      if (failure !== undefined) return `seed ${seed}`;
    }
    return undefined;
  },
});
