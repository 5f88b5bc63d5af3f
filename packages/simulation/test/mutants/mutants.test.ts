// The specifications must kill each mutant. A patched copy of src/ is imported beside the original,
// in this very process, to keep that quick.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { specs } from "../specs/index.ts";
import type { Package } from "../specs/subject.ts";
import { type Mutant, mutants } from "./mutants.ts";

const packageFolder = path.join(import.meta.dirname, "../..");
let folder: string;
const reporters = process.listeners("unhandledRejection");

beforeAll(() => {
  // Inside the package, so that its imports resolve; in a folder that git does not look at.
  mkdirSync(path.join(packageFolder, "coverage"), { recursive: true });
  folder = mkdtempSync(path.join(packageFolder, "coverage/mutants-"));
  // Mutants leave rejections that nobody handles. That is a way to die, but not for the whole run.
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", () => {});
});

afterAll(() => {
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

// Where to look first; what dies there need not be asked for the rest.
const nearest: [file: RegExp, part: keyof typeof specs][] = [
  [/^disk/, "disk"],
  [/^network/, "network"],
  [/clock/, "clock"],
  [/node|process|simulation/, "process"],
  [/./, "harness"],
];

/** What kills the package in that folder, or "survives". */
async function judge(source: string, file = ""): Promise<string> {
  const part = nearest.find(([pattern]) => pattern.test(file))?.[1];
  const inOrder = Object.entries(specs).sort(([a], [b]) => Number(b === part) - Number(a === part));
  const subject = (await import(/* @vite-ignore */ path.join(source, "index.ts"))) as Package;
  for (const [, sentences] of inOrder) {
    for (const [name, check] of Object.entries(sentences)) {
      try {
        await check(subject);
      } catch (error) {
        return `${name}: ${error}`;
      }
    }
  }
  return "survives";
}
