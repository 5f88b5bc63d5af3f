// The suite must kill each mutant: a trap or a random history has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { addressTraps } from "../address-traps.ts";
import { callTraps } from "../call-traps.ts";
import { checkHistory } from "../history.ts";
import { observerTraps } from "../observer-traps.ts";
import { requestTraps } from "../request-traps.ts";
import { retryTraps } from "../retry-traps.ts";
import { streamTraps } from "../stream-traps.ts";
import { loadSubject } from "../subject.ts";
import { timeTraps } from "../time-traps.ts";
import { mutants } from "./mutants.ts";

const SEEDS = 100;

const traps = [
  retryTraps,
  timeTraps,
  addressTraps,
  streamTraps,
  requestTraps,
  callTraps,
  observerTraps,
].flatMap(Object.values);

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source) => {
    const subject = await loadSubject(source);
    return await faultOf(async () => {
      for (const trap of traps) await trap(subject);
      for (let seed = 0; seed < SEEDS; seed++) checkHistory(subject, seed);
    });
  },
});
