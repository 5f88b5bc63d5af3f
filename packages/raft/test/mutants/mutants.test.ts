// The suite must kill each mutant: a seeded group within 2,000 seeds, or one of the traps. The seed
// that is known to do it goes first.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { checkSeed } from "../check-seed.ts";
import type { Subject } from "../cluster.ts";
import { traps } from "../traps/all.ts";
import { mutants } from "./mutants.ts";

const SEEDS = 2_000;

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  heading: ({ seed }) => (seed === undefined ? "killed by a trap" : "killed by a seeded group"),
  findFault: async (source, mutant) => {
    const subject = await load(source);
    const first = mutant?.seed;
    return await faultOf(() => {
      if (first === undefined) for (const trap of traps) trap.run(subject);
      else checkSeeds(subject, first);
    });
  },
});

async function load(source: string): Promise<Subject> {
  const [index, rawNode] = await Promise.all(
    ["index.ts", "core/raw-node.ts"].map((file) => import(path.join(source, file))),
  );
  return { ...index, coreOf: rawNode.coreOf };
}

function checkSeeds(subject: Subject, first: number): void {
  for (let tried = 0; tried < SEEDS; tried++) checkSeed(subject, (first + tried) % SEEDS);
}
