// The cases that property tests try are a function of the commit: the same here, in CI and in a
// cached result. COMPENDIUM_SEED=<whole number> tries others, COMPENDIUM_SEED=random new ones every
// time; the nightly run does.
import fc from "fast-check";

const { COMPENDIUM_SEED: text = "20261121" } = process.env;

if (text !== "random") {
  const seed = Number(text);
  if (!Number.isInteger(seed)) {
    throw new RangeError(`COMPENDIUM_SEED must be a whole number or "random", got "${text}"`);
  }
  fc.configureGlobal({ seed });
}
