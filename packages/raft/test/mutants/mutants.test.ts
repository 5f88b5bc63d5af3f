// The suite must kill each mutant: a seeded group within 2,000 seeds, or one of the traps. The seed
// that is known to do it goes first. A patched copy of src/ is imported beside the original, in
// this very process, to keep that quick.
import path from "node:path";
import { PlantedCopies } from "@compendium/house/planted";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkSeed } from "../check-seed.ts";
import type { Subject } from "../cluster.ts";
import { traps } from "../traps/all.ts";
import { mutants } from "./mutants.ts";

const packageFolder = path.join(import.meta.dirname, "../..");
const SEEDS = 2_000;
let copies: PlantedCopies;

beforeAll(() => {
  copies = new PlantedCopies(packageFolder);
});

afterAll(() => {
  copies[Symbol.dispose]();
});

test("the original survives the traps", async () => {
  const subject = await load(path.join(packageFolder, "src"));
  for (const trap of traps) trap.run(subject);
});

const named = mutants.map((mutant) => {
  const killer = mutant.seed === undefined ? "a trap" : "a seeded group";
  return [killer, mutant.name, mutant] as const;
});

test.each(named)("killed by %s: %s", async (_killer, _name, mutant) => {
  const copy = copies.plant(mutant);
  const subject = await load(copy);
  const { seed } = mutant;
  expect(seed === undefined ? byTraps(subject) : bySeeds(subject, seed)).toBe(true);
});

async function load(source: string): Promise<Subject> {
  const [index, rawNode] = await Promise.all(
    ["index.ts", "core/raw-node.ts"].map((file) => import(path.join(source, file))),
  );
  return { ...index, coreOf: rawNode.coreOf };
}

function bySeeds(subject: Subject, first: number): boolean {
  for (let tried = 0; tried < SEEDS; tried++) {
    try {
      checkSeed(subject, (first + tried) % SEEDS);
    } catch {
      return true;
    }
  }
  return false;
}

function byTraps(subject: Subject): boolean {
  return traps.some((trap) => {
    try {
      trap.run(subject);
    } catch {
      return true;
    }
    return false;
  });
}
