// The suite must kill each mutant: one of the traps has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs, withinTurns } from "@compendium/house/planted/suite";
import { divideTraps } from "../divide-traps.ts";
import { poolTraps } from "../pool-traps.ts";
import { mutants } from "./mutants.ts";

// A call that nobody answers never settles; with a clock that is turned by hand nothing takes long.
const TURNS_MAX = 5_000;

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source) => {
    const load = (file: string) => import(/* @vite-ignore */ path.join(source, file));
    const divide = await load("workers/divide.ts");
    const modules = {
      pool: await load("workers/worker-pool.ts"),
      handle: await load("workers/worker-handle.ts"),
      totals: await load("workers/totals.ts"),
      readings: await load("observe/readings.ts"),
    };
    return await faultOf(async () => {
      for (const trap of Object.values(divideTraps)) trap(divide);
      for (const trap of Object.values(poolTraps)) await withinTurns(trap(modules), TURNS_MAX);
    });
  },
});
