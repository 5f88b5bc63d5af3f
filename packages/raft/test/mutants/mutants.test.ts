// The suite must kill each mutant: a seeded group within 2,000 seeds, or one of the traps. The seed
// that is known to do it goes first. A patched copy of src/ is imported beside the original, in
// this very process, to keep that quick.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkSeed } from "../check-seed.ts";
import type { Subject } from "../cluster.ts";
import { traps } from "../traps/all.ts";
import { type Mutant, mutants } from "./mutants.ts";

const packageFolder = path.join(import.meta.dirname, "../..");
const SEEDS = 2_000;
let folder: string;

beforeAll(() => {
  // Inside the package, so that its imports resolve; in a folder that git does not look at.
  mkdirSync(path.join(packageFolder, "coverage"), { recursive: true });
  folder = mkdtempSync(path.join(packageFolder, "coverage/mutants-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("the original survives the traps", async () => {
  const subject = await load(path.join(packageFolder, "src"));
  for (const trap of traps) trap.run(subject);
});

const named = mutants.map((mutant, index) => {
  const killer = mutant.seed === undefined ? "a trap" : "a seeded group";
  return [killer, mutant.name, mutant, index] as const;
});

test.each(named)("killed by %s: %s", async (_killer, _name, mutant, index) => {
  const copy = path.join(folder, String(index));
  plant(mutant, copy);
  const subject = await load(copy);
  const { seed } = mutant;
  expect(seed === undefined ? byTraps(subject) : bySeeds(subject, seed)).toBe(true);
});

function plant({ file, search, replacement }: Mutant, copy: string): void {
  cpSync(path.join(packageFolder, "src"), copy, { recursive: true });
  const target = path.join(copy, file);
  const source = readFileSync(target, "utf8");
  const places = source.split(search).length - 1;
  expect(places, `${file} must hold this once: ${search}`).toBe(1);
  writeFileSync(
    target,
    source.replace(search, () => replacement),
  );
}

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
