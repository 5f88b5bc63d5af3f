// The traps must kill each mutant. A patched copy of src/ is imported beside the original, in this
// very process, and several at a time, to keep that quick. Many a mutant is a link that waits for
// ever, so one that is not through after a while is dead; the original needs a fraction of that.
import path from "node:path";
import { PlantedCopies } from "@compendium/house/planted";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mutants } from "./mutants.ts";
import { spring, traps } from "./traps.ts";
import { refusalOf, type Subject } from "./world.ts";

const PATIENCE_MS = 3_000;
let copies: PlantedCopies;

beforeAll(() => {
  copies = new PlantedCopies(path.join(import.meta.dirname, "../.."));
});

afterAll(() => {
  copies[Symbol.dispose]();
});

test.concurrent.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
  "killed: %s",
  { timeout: 60_000 },
  async (_, mutant) => {
    const subject = (await import(path.join(copies.plant(mutant), "grpc/index.ts"))) as Subject;
    const patience = Promise.withResolvers<boolean>();
    const timer = setTimeout(patience.resolve, PATIENCE_MS, true);
    const falls = traps.map(async (trap) => {
      const error = await refusalOf(spring(trap, subject));
      // The first that it falls into is enough.
      if (error !== undefined) patience.resolve(true);
    });
    void Promise.all(falls).then(() => patience.resolve(false));
    expect(await patience.promise).toBe(true);
    clearTimeout(timer);
  },
);
