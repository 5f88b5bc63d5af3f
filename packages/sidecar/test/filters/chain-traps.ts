// What must hold of chains of filters, as sentences. They are run on the sources, and on copies of
// them with planted bugs.
import assert from "node:assert/strict";
import type { HttpFilterConfig } from "../../src/config/filter-config.ts";
import type { FilterOverrides } from "../../src/config/route-config.ts";
import type { FilterChain } from "../../src/filters/filter-chain.ts";
import type { HttpFilter } from "../../src/filters/http-filter.ts";
import { rateLimitConfig } from "./limit-traps.ts";
import type { FilterSubject } from "./subject.ts";

const limit = (name: string, tokensMax = 1): HttpFilterConfig => {
  return rateLimitConfig({ name, tokensMax });
};

/** A filter that is nothing but itself. */
const make = ({ kind, name }: HttpFilterConfig): HttpFilter => {
  return { kind, name, onRequest: () => undefined };
};

function chain(
  { filterChain }: FilterSubject,
  filters: readonly HttpFilterConfig[],
  overrides: readonly FilterOverrides[] = [],
  before?: FilterChain,
): FilterChain {
  return new filterChain.FilterChain({ filters, overrides, make, before });
}

export const chainTraps: Readonly<Record<string, (subject: FilterSubject) => void>> = {
  "the filters of a chain stand in its order": (subject) => {
    const filters = chain(subject, [limit("b"), limit("a"), limit("c")]);
    assert.deepEqual(
      filters.filtersFor(undefined).map(({ name }) => name),
      ["b", "a", "c"],
    );
  },

  "a route's settings take the place of the chain's, and false takes a filter out": (subject) => {
    const own: FilterOverrides = new Map<string, HttpFilterConfig | false>([
      ["a", limit("a", 2)],
      ["b", false],
    ]);
    const filters = chain(subject, [limit("a"), limit("b"), limit("c")], [own]);
    const [a, b, c] = filters.filtersFor(undefined);
    const [ownA, ownC] = filters.filtersFor(own);
    assert.equal(filters.filtersFor(own).length, 2);
    assert.notEqual(ownA, a);
    assert.equal(ownC, c);
    assert.equal(b?.name, "b");
    assert.equal(filters.filtersFor(new Map()), filters.filtersFor(undefined));
  },

  "two places with the same settings have two filters, one place has one": (subject) => {
    const first: FilterOverrides = new Map([["a", limit("a")]]);
    const second: FilterOverrides = new Map([["a", limit("a")]]);
    const third: FilterOverrides = new Map(first);
    const filters = chain(subject, [limit("a")], [first, second, third]);
    assert.notEqual(filters.filtersFor(first)[0], filters.filtersFor(second)[0]);
    assert.equal(filters.filtersFor(first)[0], filters.filtersFor(third)[0]);
    assert.equal([...filters.all()].length, 3);
  },

  "another configuration keeps the filters that are the same in both": (subject) => {
    const before = chain(subject, [limit("a"), limit("b")]);
    const after = chain(subject, [limit("b"), limit("a", 2)], [], before);
    const [a, b] = before.filtersFor(undefined);
    const [laterB, laterA] = after.filtersFor(undefined);
    assert.equal(laterB, b);
    assert.notEqual(laterA, a);
  },

  "what is kept is kept once": (subject) => {
    const before = chain(subject, [limit("a")]);
    const own: FilterOverrides = new Map([["a", limit("a")]]);
    const after = chain(subject, [limit("a")], [own], before);
    assert.equal(after.filtersFor(undefined)[0], before.filtersFor(undefined)[0]);
    assert.notEqual(after.filtersFor(own)[0], before.filtersFor(undefined)[0]);
    // Nor does making another chain take anything from the first.
    const again = chain(subject, [limit("a")], [], before);
    assert.equal(again.filtersFor(undefined)[0], before.filtersFor(undefined)[0]);
  },
};
