// The suite of a package's planted bugs: each must be found, and a copy without any must not be
// blamed. That copy is imported in the very way in which the others are, so that nothing about
// being a copy can pass for the bug.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Mutant, PlantedCopies } from "./planted.ts";

/** How a package finds its planted bugs. */
export interface Suite<M extends Mutant> {
  /** The folder that has `src/`. */
  readonly packageFolder: string;
  /** The bugs, each with a name of its own. */
  readonly mutants: readonly M[];
  /**
   * The check that objects to the sources in that folder; `undefined` if none does. What is known
   * to find this mutant should go first. Without a mutant the sources are sound, and every check
   * has to be made.
   */
  findFault(source: string, mutant: M | undefined): Promise<string | undefined>;
  /** What stands before a mutant's name. Default: "killed". */
  readonly heading?: (mutant: M) => string;
}

/** Defines the tests of a suite. Must be called where tests are defined, once in a file. */
export function testPlantedBugs<M extends Mutant>(suite: Suite<M>): void {
  const { packageFolder, mutants, heading = () => "killed" } = suite;
  const reporters = process.listeners("unhandledRejection");
  let copies: PlantedCopies;

  beforeAll(() => {
    copies = new PlantedCopies(packageFolder);
    // Mutants drop promises. That is a way to die, too, but not one for the whole run.
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", () => {});
  });

  afterAll(() => {
    process.removeAllListeners("unhandledRejection");
    for (const reporter of reporters) process.on("unhandledRejection", reporter);
    copies[Symbol.dispose]();
  });

  test("a copy without a bug survives", async () => {
    expect(await suite.findFault(copies.copy(), undefined)).toBeUndefined();
  });

  const named = mutants.map((mutant) => [heading(mutant), mutant.name, mutant] as const);
  test.each(named)("%s: %s", async (_heading, _name, mutant) => {
    const found = await suite.findFault(copies.plant(mutant), mutant);
    expect(found, "it survived every check").toBeDefined();
  });
}

/** What a check objected; `undefined` if it did not. */
export async function faultOf(check: () => unknown): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** Waits for work that needs nothing but turns of the event loop; what never settles is a fault. */
export async function withinTurns(work: Promise<void>, turnsMax: number): Promise<void> {
  let isSettled = false;
  const settled = work.finally(() => {
    isSettled = true;
  });
  settled.catch(() => {});
  for (let turn = 0; !isSettled; turn++) {
    if (turn === turnsMax) throw new Error("it never settles");
    await new Promise((resolve) => setImmediate(resolve));
  }
  await settled;
}
