// The traps must kill each mutant, or else the hostile worlds must. A patched copy of src/ is
// imported beside the original, in this very process, to keep that quick. Time is virtual, so that
// a mutant that waits for ever is found out at once.
import path from "node:path";
import { PlantedCopies } from "@compendium/house/planted";
import { checkSeed } from "@compendium/simulation";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mutants } from "./mutants.ts";
import { talkScenario } from "./scenario.ts";
import { traps } from "./traps.ts";
import type { Subject } from "./world.ts";

const SEEDS = 10;
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
    const subject = (await import(path.join(copies.plant(mutant), "net/index.ts"))) as Subject;
    expect(await killer(subject)).toBeDefined();
  },
);

/** What the mutant did not survive. */
async function killer(subject: Subject): Promise<string | undefined> {
  for (const { name, run } of traps) {
    try {
      await run(subject);
    } catch {
      return name;
    }
  }
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure } = await checkSeed(talkScenario(subject), seed);
    if (failure !== undefined) return `seed ${seed}`;
  }
  return undefined;
}
