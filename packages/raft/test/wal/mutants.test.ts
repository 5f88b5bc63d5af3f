// The traps must kill each mutant. A patched copy of src/ is imported beside the original, in this
// very process, to keep that quick.
import path from "node:path";
import { PlantedCopies } from "@compendium/house/planted";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mutants } from "./mutants.ts";
import type { Subject } from "./story.ts";
import { quickTraps } from "./traps/all.ts";

let copies: PlantedCopies;

beforeAll(() => {
  copies = new PlantedCopies(path.join(import.meta.dirname, "../.."));
});

afterAll(() => {
  copies[Symbol.dispose]();
});

test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  "killed: %s",
  async (_, mutant) => {
    const subject = (await import(path.join(copies.plant(mutant), "wal/index.ts"))) as Subject;
    expect(await judge(subject)).not.toBe("survives");
  },
);

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
