// The suites must kill each mutant: by the schedules of its type, or by the laws. A patched copy of
// src/ is imported beside the original, in this very process, to keep that quick.
import path from "node:path";
import { PlantedCopies } from "@compendium/house/planted";
import { SeededRandom } from "@compendium/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Subject } from "../lattice/case.ts";
import { cases } from "../lattice/cases.ts";
import { laws, Trio } from "../lattice/laws.ts";
import { mapCases } from "../lattice/map-cases.ts";
import { failureOf } from "../simulation/shrink.ts";
import { suites } from "../simulation/suites.ts";
import { checkFlips } from "./flips.ts";
import { type Mutant, mutants } from "./lattice-mutants.ts";

const packageFolder = path.join(import.meta.dirname, "../..");
const SEEDS = 20_000;
const LAW_SEEDS = 300;
let copies: PlantedCopies;

beforeAll(() => {
  copies = new PlantedCopies(packageFolder);
});

afterAll(() => {
  copies[Symbol.dispose]();
});

test("the original survives the flips", async () => {
  checkFlips(await load(path.join(packageFolder, "src")));
});

const named = mutants.map((mutant) => [mutant.by, mutant.name, mutant] as const);

test.each(named)("killed by %s: %s", async (by, _name, mutant) => {
  const subject = await load(copies.plant(mutant));
  expect(by === "laws" ? isKilledByFlips(subject) : isKilled(subject, mutant)).toBe(true);
});

async function load(source: string): Promise<Subject> {
  return (await import(path.join(source, "index.ts"))) as Subject;
}

const isKilledByFlips = (subject: Subject): boolean =>
  failureOf(() => checkFlips(subject)) !== undefined;

function isKilled(subject: Subject, { by: name, seed: first }: Mutant): boolean {
  const suite = suites.find((it) => it.name === name);
  const it = [...cases, ...mapCases].find((each) => each.name === name);
  for (let seed = 0; seed < SEEDS; seed++) {
    const schedule = (first + seed) % SEEDS;
    if (failureOf(() => suite?.check(schedule, subject)) !== undefined) return true;
    if (it === undefined || seed >= LAW_SEEDS) continue;
    for (const law of Object.values(laws)) {
      const failure = failureOf(() => law(new Trio(subject, it, seed), new SeededRandom(seed)));
      if (failure !== undefined) return true;
    }
  }
  return false;
}
