// A taste of `npm run simulate crdt`: the first schedules of every suite.
import { describe, test } from "vitest";
import * as subject from "../../src/index.ts";
import { suites } from "./suites.ts";

describe("whatever is lost, repeated, reordered, cut off, crashed and compacted", () => {
  const named = suites
    .filter(({ casesInTest }) => casesInTest > 0)
    .map((suite) => [suite.name, suite] as const);

  test.each(named)("%s: all replicas come to read what the specification says", (_, suite) => {
    for (let seed = 0; seed < suite.casesInTest; seed++) suite.check(seed, subject);
  });
});
