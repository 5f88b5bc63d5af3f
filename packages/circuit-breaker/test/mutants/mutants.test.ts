// The suite must kill each mutant: the model check or one of the traps has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { checkSeed, type Subject } from "../model-check.ts";
import { mutants } from "./mutants.ts";
import { traps } from "./traps.ts";

const SEEDS = 4_000;

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  findFault: async (source) => {
    const load = (file: string) => import(/* @vite-ignore */ path.join(source, file));
    const [index, machine, options, snapshot] = await Promise.all(
      ["index.ts", "state-machine.ts", "options.ts", "snapshot.ts"].map(load),
    );
    const subject = { ...machine, ...options, ...snapshot } as Subject;
    return await faultOf(async () => {
      for (const trap of traps) await trap(index);
      for (let seed = 0; seed < SEEDS; seed++) checkSeed(subject, seed);
    });
  },
});
