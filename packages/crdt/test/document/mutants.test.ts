// The schedules must kill each mutant, on a patched copy of src/.
import path from "node:path";
import { PlantedCopies } from "@compendium/house/planted";
import { afterAll, beforeAll, expect, test } from "vitest";
import { failureOf } from "../simulation/shrink.ts";
import { mutants } from "./mutants.ts";
import { traps } from "./traps.ts";
import { drawDocumentSteps, type Package, playDocuments } from "./world.ts";

const SEEDS = 400;
let copies: PlantedCopies;

beforeAll(() => {
  copies = new PlantedCopies(path.join(import.meta.dirname, "../.."));
});

afterAll(() => {
  copies[Symbol.dispose]();
});

test.each(mutants.map((it) => [it.name, it] as const))("killed: %s", async (_, mutant) => {
  const folder = copies.plant(mutant);
  const it = (await import(/* @vite-ignore */ path.join(folder, "index.ts"))) as Package;
  let isKilled = Object.values(traps).some((trap) => failureOf(() => trap(it)) !== undefined);
  for (let seed = 0; seed < SEEDS && !isKilled; seed++) {
    const steps = drawDocumentSteps(seed);
    isKilled = failureOf(() => playDocuments(it, steps, 2 + (seed % 3))) !== undefined;
  }
  expect(isKilled).toBe(true);
});
