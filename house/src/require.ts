// Required or skipped (DESIGN.md, "How it is verified"): `npm test` needs nothing but Node, so a
// test that needs a server, a tool or a platform skips where that is absent, and says why and how
// to get it. But a skip that nobody sees is a hole in the net: where COMPENDIUM_REQUIRE names the
// thing, as CI does (`COMPENDIUM_REQUIRE=redis,docker,k6`), its absence is a failure.

/** The part of a vitest test context that is needed here. */
export interface Skippable {
  /** Ends the test as skipped; the reason is shown beside it. */
  skip(reason: string): void;
}

/** A thing that a test needs and a machine may lack. */
export interface Need {
  /** The word that COMPENDIUM_REQUIRE knows it by: lower case, no comma. */
  readonly name: string;
  /** Whether it is here. */
  readonly present: boolean;
  /** How to get it, as one line that a reader can act on. */
  readonly how: string;
}

/**
 * Returns where the thing is present; otherwise skips the test with the reason, or throws an Error
 * where COMPENDIUM_REQUIRE lists its name.
 */
export function requireOrSkip(context: Skippable, need: Need): void {
  if (need.present) return;
  const reason = `${need.name} is absent: ${need.how}`;
  if (isRequired(need.name)) throw new Error(`${reason} (COMPENDIUM_REQUIRE names it)`);
  context.skip(reason);
}

/** Whether COMPENDIUM_REQUIRE lists the name. */
export function isRequired(name: string): boolean {
  const { COMPENDIUM_REQUIRE: list = "" } = process.env;
  return list.split(",").some((entry) => entry.trim() === name);
}
