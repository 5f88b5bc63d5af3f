// The suite must kill each mutant: one of the traps has to fail on it.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { pathTraps } from "../../match/path-traps.ts";
import { loadSubject } from "../../match/subject.ts";
import { matchTraps } from "../../match/traps.ts";
import { type ConfigSubject, configTraps } from "../traps.ts";
import { mutants } from "./mutants.ts";

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../../.."),
  mutants,
  findFault: async (source, mutant) => {
    const isMatch = mutant?.file.startsWith("match/") !== false;
    const isConfig = mutant?.file.startsWith("config/") !== false;
    const match = isMatch ? await loadSubject(source) : undefined;
    const config = isConfig ? await loadConfig(source) : undefined;
    return await faultOf(() => {
      if (match !== undefined) {
        for (const trap of Object.values(pathTraps)) trap(match);
        for (const trap of Object.values(matchTraps)) trap(match);
      }
      if (config !== undefined) for (const trap of Object.values(configTraps)) trap(config);
    });
  },
});

async function loadConfig(source: string): Promise<ConfigSubject> {
  const files = ["compile.ts", "config-error.ts"];
  const modules = await Promise.all(
    files.map(async (file) => await import(/* @vite-ignore */ path.join(source, "config", file))),
  );
  return Object.assign({}, ...modules) as ConfigSubject;
}
