// The laws of the lattice for every type, over random updates; and what the decoder refuses.
import { SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as subject from "../../src/index.ts";
import { treeCase } from "../tree/tree-case.ts";
import { cases } from "./cases.ts";
import { laws, Trio } from "./laws.ts";
import { mapCases } from "./map-cases.ts";

const all = [...cases, ...mapCases, treeCase].filter(({ compacts }) => compacts !== false);

describe.each(all)("$name", (it) => {
  test.each(Object.entries(laws))("%s", (_, law) => {
    const seeds = fc.integer({ min: 0, max: 2 ** 31 });
    fc.assert(
      fc.property(seeds, (seed) => law(new Trio(subject, it, seed), new SeededRandom(seed))),
      { numRuns: 150 },
    );
  });

  test("refuses every flipped bit and every truncation, and stays as it was", () => {
    for (const seed of [1, 2, 3]) {
      const trio = new Trio(subject, it, seed);
      const value = trio.fresh();
      value.join(trio.values[0]!.state());
      const digest = value.digest();
      const bytes = trio.values[1]!.encode();
      const refuses = (told: Uint8Array): void => {
        expect(() => value.join(told)).toThrow(subject.CrdtError);
      };
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const flipped = bytes.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        refuses(flipped);
      }
      for (let length = 0; length < bytes.length; length++) refuses(bytes.slice(0, length));
      refuses(Uint8Array.of(...bytes, 0));
      expect(value.digest()).toBe(digest);
    }
  });
});
