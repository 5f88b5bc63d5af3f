// A snapshot's version is of what a document means, not of how it is written.
import fc from "fast-check";
import { expect, test } from "vitest";
import { compile } from "../../src/config/compile.ts";
import { parseConfig } from "../../src/config/document.ts";
import { camelOf } from "../../src/config/schema/message.ts";
import { documents } from "./documents.ts";

const values = Object.values(documents).map((text) => parseConfig(text));

/** The same with its keys in another order, and some of them in the other spelling. */
function rewritten(value: unknown, draw: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => rewritten(item, draw));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [
    draw() % 2 === 0 ? camelOf(key) : key,
    rewritten(inner, draw),
  ]);
  const ranked = entries.map((entry) => ({ entry, rank: draw() }));
  return Object.fromEntries(ranked.sort((a, b) => a.rank - b.rank).map(({ entry }) => entry));
}

test("whatever the order of keys and the spelling of names, the version stays", () => {
  fc.assert(
    fc.property(fc.nat(), fc.infiniteStream(fc.nat()), (which, draws) => {
      const document = values[which % values.length];
      const other = rewritten(document, () => draws.next().value as number);
      expect(compile(other).version).toBe(compile(document).version);
    }),
    { numRuns: 100 },
  );
});
