// The lives must kill each mutant.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { test } from "vitest";
import { live } from "./life.ts";
import { mutants } from "./mutants.ts";
import type { Subject } from "./watched-disk.ts";

const SEEDS = 60;

if (process.platform === "linux") {
  testPlantedBugs({
    packageFolder: path.join(import.meta.dirname, "../.."),
    mutants,
    findFault: async (source) => {
      const subject = (await import(path.join(source, "node/index.ts"))) as Subject;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const fault = await faultOf(() => live(subject, seed));
        if (fault !== undefined) return `seed ${seed}: ${fault}`;
      }
      return undefined;
    },
  });
} else {
  test("planted bugs", (context) => context.skip("only Linux has writes on the calling thread"));
}
