// The traps must kill each mutant. A patched copy of src/ is imported beside the original, in this
// very process, to keep that quick.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Mutant, mutants } from "./mutants.ts";
import type { Subject } from "./story.ts";
import { quickTraps } from "./traps/all.ts";

const packageFolder = path.join(import.meta.dirname, "../..");
let folder: string;

beforeAll(() => {
  // Inside the package, so that its imports resolve; in a folder that git does not look at.
  mkdirSync(path.join(packageFolder, "coverage"), { recursive: true });
  folder = mkdtempSync(path.join(packageFolder, "coverage/wal-mutants-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test.each(mutants.map((mutant, index) => [mutant.name, mutant, index] as const))(
  "killed: %s",
  { timeout: 120_000 },
  async (_, mutant, index) => {
    const copy = path.join(folder, String(index));
    plant(mutant, copy);
    const subject = (await import(path.join(copy, "wal/index.ts"))) as Subject;
    expect(await judge(subject)).not.toBe("survives");
  },
);

function plant({ file, search, replacement }: Mutant, copy: string): void {
  cpSync(path.join(packageFolder, "src"), copy, { recursive: true });
  const target = path.join(copy, "wal", file);
  const source = readFileSync(target, "utf8");
  const places = source.split(search).length - 1;
  expect(places, `${file} must hold this once: ${search}`).toBe(1);
  writeFileSync(
    target,
    source.replace(search, () => replacement),
  );
}

/** The trap that it falls into, or "survives". */
async function judge(subject: Subject): Promise<string> {
  for (const { name, run } of quickTraps) {
    try {
      await run(subject);
    } catch {
      return name;
    }
  }
  return "survives";
}
