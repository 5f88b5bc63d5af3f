// The suite must kill each mutant: a sentence of the specification has to fail on it. A patched
// copy of src/ is imported beside the original, in this very process, to keep that quick.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { turn } from "../core/helpers.ts";
import { specs } from "../core/index.ts";
import { loadSubject, MODULES } from "../core/subject.ts";
import { type Mutant, mutants } from "./mutants.ts";

const packageFolder = path.join(import.meta.dirname, "../..");
let folder: string;
const reporters = process.listeners("unhandledRejection");

beforeAll(() => {
  // Inside the package, so that its imports resolve; in a folder that git does not look at.
  mkdirSync(path.join(packageFolder, "coverage"), { recursive: true });
  folder = mkdtempSync(path.join(packageFolder, "coverage/mutants-"));
  // A fixed seed, so that a mutant is not killed by luck; and what fails need not be made small.
  fc.configureGlobal({ seed: 1, endOnFailure: true });
  // Mutants drop promises. That is a way to die, too, but not one for the whole run.
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", () => {});
});

afterAll(() => {
  fc.resetConfigureGlobal();
  process.removeAllListeners("unhandledRejection");
  for (const reporter of reporters) process.on("unhandledRejection", reporter);
  rmSync(folder, { recursive: true, force: true });
});

test("the original survives", async () => {
  expect(await judge(path.join(packageFolder, "src"))).toBe("survives");
});

test.each(mutants.map((mutant, index) => [mutant.name, mutant, index] as const))(
  "killed: %s",
  async (_, mutant, index) => {
    const copy = path.join(folder, String(index));
    plant(mutant, copy);
    expect(await judge(copy, mutant.file)).not.toBe("survives");
  },
);

function plant({ file, search, replacement }: Mutant, copy: string): void {
  mkdirSync(copy);
  for (const name of [...MODULES, "policy"]) {
    cpSync(path.join(packageFolder, "src", `${name}.ts`), path.join(copy, `${name}.ts`));
  }
  const target = path.join(copy, file);
  const source = readFileSync(target, "utf8");
  const places = source.split(search).length - 1;
  expect(places, `${file} must hold this once: ${search}`).toBe(1);
  writeFileSync(
    target,
    source.replace(search, () => replacement),
  );
}

/** Which sentence does not hold for the package in that folder, or "survives". */
async function judge(source: string, mutated = ""): Promise<string> {
  const subject = await loadSubject(source);
  // The sentences about the file itself come first: most mutants die at once.
  const about = specs[path.basename(mutated, ".ts")] ?? {};
  for (const sentences of [about, ...Object.values(specs)]) {
    for (const [sentence, holds] of Object.entries(sentences)) {
      const ended = await outcomeOf(() => holds(subject));
      if (ended !== "holds") return `${sentence}: ${ended}`;
    }
  }
  return "survives";
}

// A mutant that hangs is dead as well. Time is virtual, so that whoever still waits after so many
// turns of the event loop waits for nothing: the longest sentence takes a fifth of them.
const TURNS_MAX = 50_000;

async function outcomeOf(holds: () => void | Promise<void>): Promise<string> {
  let ended: string | undefined;
  const check = async () => {
    try {
      await holds();
      ended = "holds";
    } catch (error) {
      ended = String(error);
    }
  };
  check();
  for (let turns = 0; ended === undefined && turns < TURNS_MAX; turns++) await turn();
  return ended ?? "hangs";
}
