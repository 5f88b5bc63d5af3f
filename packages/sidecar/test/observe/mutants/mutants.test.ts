// The suite must kill each mutant: one of the traps has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs, withinTurns } from "@compendium/house/planted/suite";
import { logTraps } from "../log-traps.ts";
import { observeTraps } from "../observe-traps.ts";
import { loadSubject } from "../subject.ts";
import { traceTraps } from "../trace-traps.ts";
import { mutants } from "./mutants.ts";

// A log that has lost a line's promise never settles; nothing here takes more than a few turns.
const TURNS_MAX = 1_000;

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source) => {
    const subject = await loadSubject(source);
    return await faultOf(async () => {
      for (const trap of Object.values(logTraps)) await withinTurns(trap(subject), TURNS_MAX);
      for (const trap of Object.values(observeTraps)) await trap(subject);
      for (const trap of Object.values(traceTraps)) trap(subject);
    });
  },
});
