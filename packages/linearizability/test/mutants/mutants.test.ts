// The suite must kill each mutant: one of the traps has to fail on it. A patched
// copy of src/ is imported beside the original, in this very process, to keep that quick.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Mutant, mutants } from "./mutants.ts";
import { traps } from "./traps.ts";

const packageFolder = path.join(import.meta.dirname, "../..");
let folder: string;

beforeAll(() => {
  // Inside the package, so that its imports resolve; in a folder that git does not look at.
  mkdirSync(path.join(packageFolder, "coverage"), { recursive: true });
  folder = mkdtempSync(path.join(packageFolder, "coverage/mutants-"));
});

afterAll(() => {
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
    expect(await judge(copy)).not.toBe("survives");
  },
);

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

/** What kills the package in that folder, or "survives". */
async function judge(source: string): Promise<string> {
  const subject = await import(/* @vite-ignore */ path.join(source, "index.ts"));
  try {
    for (const trap of traps) trap(subject);
  } catch (error) {
    return String(error);
  }
  return "survives";
}
