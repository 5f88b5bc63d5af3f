// `npm run simulate:mutants [WORD…]`: plants each bug, of the core and of the node, and says which
// seed of which group finds it, within 2,000. For who changes the scenario, and for the nightly
// run.
import path from "node:path";
import { type Mutant, PlantedCopies } from "@compendium/house/planted";
import { simulate } from "@compendium/simulation";
import { mutants as coreMutants } from "../mutants/mutants.ts";
import { loadGroup } from "./load.ts";
import { nodeMutants } from "./planted.ts";

const BUDGET = { three: 800, five: 400, changing: 800 } as const;
const words = process.argv.slice(2);
const named = (mutant: Mutant) => words.every((word) => mutant.name.includes(word));
using copies = new PlantedCopies(path.join(import.meta.dirname, "../.."));
for (const mutant of [...nodeMutants, ...coreMutants].filter(named)) {
  console.log(`${mutant.name}: ${await hunt(mutant)}`);
}

async function hunt(mutant: Mutant): Promise<string> {
  const scenarios = await loadGroup(copies.plant(mutant));
  for (const [name, seeds] of Object.entries(BUDGET)) {
    const { failure } = await simulate(scenarios[name as keyof typeof BUDGET], { seeds });
    if (failure !== undefined) return `${name} ${failure.seed}, ${failure.failure?.error}`;
  }
  return "survives";
}
