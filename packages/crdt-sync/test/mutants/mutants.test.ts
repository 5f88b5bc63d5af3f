// Every mutant must be killed: by seeded regions, by a writer that is crashed at each effect, or by
// one of the traps. A patched copy of src/ is imported beside the original, in this very process.
import path from "node:path";
import { PlantedCopies } from "@compendium/house/planted";
import { simulate } from "@compendium/simulation";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Subject as Lab } from "../core/lab.ts";
import { regions, type Subject } from "../sim/regions.ts";
import { crashAt, failAt } from "../sim/writer.ts";
import { mutants } from "./mutants.ts";
import { traps } from "./traps.ts";

const packageFolder = path.join(import.meta.dirname, "../..");
let copies: PlantedCopies;

beforeAll(() => {
  copies = new PlantedCopies(packageFolder);
});

afterAll(() => {
  copies[Symbol.dispose]();
});

const load = async (source: string, ...files: string[]) =>
  Object.assign({}, ...(await Promise.all(files.map((file) => import(path.join(source, file))))));

const lab = (source: string): Promise<Lab> =>
  load(
    source,
    "core/connection.ts",
    "core/document.ts",
    "core/presence.ts",
    "replicated.ts",
    "wire/limits.ts",
  );

test("the original survives the traps", async () => {
  const subject = await lab(path.join(packageFolder, "src"));
  for (const trap of Object.values(traps)) trap(subject);
});

const named = mutants.map((mutant) => [mutant.by, mutant.name, mutant] as const);

test.each(named)("killed by %s: %s", { timeout: 120_000 }, async (by, _name, mutant) => {
  const copy = copies.plant(mutant);
  if (by === "trap") {
    const subject = await lab(copy);
    const survived = Object.values(traps).every((trap) => survives(() => trap(subject)));
    return expect(survived).toBe(false);
  }
  const subject: Subject = await load(copy, "index.ts", "store/index.ts");
  if (by === "writer") return expect(await survivesCrashes(subject)).toBe(false);
  const { failure } = await simulate(regions(subject), { seeds: 2, worlds: 1 });
  expect(failure).not.toBe(undefined);
});

function survives(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

async function survivesCrashes(subject: Subject): Promise<boolean> {
  for (let atUs = 2_000; atUs < 120_000; atUs += 1_000) {
    if ((await failAt(atUs, subject)).failure !== undefined) return false;
  }
  for (let effect = 0; effect < 110; effect++) {
    for (const moment of ["before", "during", "after"] as const) {
      for (const how of ["power", "kill"] as const) {
        const { failure } = await crashAt(effect, moment, how, subject);
        if (failure !== undefined) return false;
      }
    }
  }
  return true;
}
