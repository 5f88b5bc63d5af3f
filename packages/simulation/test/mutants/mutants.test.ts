// The specifications must kill each mutant. A patched copy of src/ is imported beside the original,
// in this very process, to keep that quick.
import path from "node:path";
import { PlantedCopies } from "@compendium/house/planted";
import { afterAll, beforeAll, expect, test } from "vitest";
import { specs } from "../specs/index.ts";
import type { Package } from "../specs/subject.ts";
import { mutants } from "./mutants.ts";

const packageFolder = path.join(import.meta.dirname, "../..");
let copies: PlantedCopies;
const reporters = process.listeners("unhandledRejection");

beforeAll(() => {
  copies = new PlantedCopies(packageFolder);
  // Mutants leave rejections that nobody handles. That is a way to die, but not for the whole run.
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", () => {});
});

afterAll(() => {
  process.removeAllListeners("unhandledRejection");
  for (const reporter of reporters) process.on("unhandledRejection", reporter);
  copies[Symbol.dispose]();
});

test("the original survives", async () => {
  expect(await judge(path.join(packageFolder, "src"))).toBe("survives");
});

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  "killed: %s",
  async (_, mutant) => {
    const copy = copies.plant(mutant);
    expect(await judge(copy, mutant.file)).not.toBe("survives");
  },
);

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
