// Whatever the limit and however many the workers: nobody has nothing, and together they have it.
import fc from "fast-check";
import { test } from "vitest";
import * as module from "../../src/workers/divide.ts";
import { checkSums } from "./divide-traps.ts";

test("the parts of every limit add up to it, or to one for each worker", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 64 }), (...it) =>
      checkSums(module, ...it),
    ),
    { numRuns: 200 },
  );
});
