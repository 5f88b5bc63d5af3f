// The suite must kill each mutant: one of the traps has to fail on it. A patched
// copy of src/ is imported beside the original, in this very process, to keep that quick.
import path from "node:path";
import { PlantedCopies } from "@compendium/house/planted";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mutants } from "./mutants.ts";
import { traps } from "./traps.ts";

const packageFolder = path.join(import.meta.dirname, "../../..");
let copies: PlantedCopies;

beforeAll(() => {
  copies = new PlantedCopies(packageFolder);
});

afterAll(() => {
  copies[Symbol.dispose]();
});

test("the original survives", async () => {
  expect(await judge(path.join(packageFolder, "src"))).toBe("survives");
});

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  "killed: %s",
  async (_, mutant) => {
    const copy = copies.plant(mutant);
    expect(await judge(copy)).not.toBe("survives");
  },
);

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
