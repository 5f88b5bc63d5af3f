// The suites must kill each mutant: by the schedules of its type, or by the laws.
import path from "node:path";
import { faultOf, testPlantedBugs } from "@compendium/house/planted/suite";
import { SeededRandom } from "@compendium/runtime";
import type { Subject } from "../lattice/case.ts";
import { cases } from "../lattice/cases.ts";
import { laws, Trio } from "../lattice/laws.ts";
import { mapCases } from "../lattice/map-cases.ts";
import { suites } from "../simulation/suites.ts";
import { checkFlips } from "./flips.ts";
import { mutants } from "./lattice-mutants.ts";

const SEEDS = 20_000;
const LAW_SEEDS = 300;
// The sound copy is asked for every type, and what it says of more seeds is said elsewhere.
const SOUND_SEEDS = 20;

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants,
  heading: ({ by }) => `killed by ${by}`,
  findFault: async (source, mutant) => {
    const subject = (await import(path.join(source, "index.ts"))) as Subject;
    return await faultOf(() => {
      if (mutant === undefined || mutant.by === "laws") checkFlips(subject);
      if (mutant === undefined) {
        for (const by of new Set(mutants.map((it) => it.by))) check(subject, by, 0, SOUND_SEEDS);
      } else if (mutant.by !== "laws") {
        check(subject, mutant.by, mutant.seed, SEEDS);
      }
    });
  },
});

// The schedules of a type, from a seed on and round, and beside the first of them the laws.
function check(subject: Subject, type: string, first: number, seeds: number): void {
  const suite = suites.find((it) => it.name === type);
  const subjectCase = [...cases, ...mapCases].find((it) => it.name === type);
  for (let seed = 0; seed < seeds; seed++) {
    suite?.check((first + seed) % SEEDS, subject);
    if (subjectCase === undefined || seed >= LAW_SEEDS) continue;
    for (const law of Object.values(laws)) {
      law(new Trio(subject, subjectCase, seed), new SeededRandom(seed));
    }
  }
}
