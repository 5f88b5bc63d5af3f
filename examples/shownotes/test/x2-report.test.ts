import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { objectionsToX2, type X2Measurement } from "../src/x2.ts";
import { formatX2 } from "../src/x2-report.ts";
import { scenario, type Variant } from "../src/x2-scenario.ts";
import { predictX2 } from "../src/x2-theory.ts";

const collapsed: X2Measurement = {
  goodput: [1, 1, 0.07, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  lastSecond: 0,
  afterwards: 0,
  recoveryMs: Infinity,
  attemptsPerCheckout: 3.49,
  charges: 460,
  keys: 460,
  repeats: 710,
  shed: 0,
};
const slowly: X2Measurement = {
  ...collapsed,
  goodput: [1, 1, 0.03, 0, 0, 0, 0, 0.2, 0.99, 1, 1, 1],
  lastSecond: 1,
  afterwards: 0.7,
  recoveryMs: 1_987,
  attemptsPerCheckout: 1.014,
};
const atOnce: X2Measurement = {
  ...slowly,
  goodput: [1, 1, 0.04, 0.16, 0.9, 1, 1, 1, 1, 1, 1, 1],
  afterwards: 1,
  recoveryMs: 190,
};
const usual = { naive: collapsed, jitter: collapsed, budget: slowly, "budget+shed": atOnce };

const format = (measured: Record<Variant, X2Measurement>) => {
  const objections = objectionsToX2(measured, scenario);
  const comparison = { measured, predicted: predictX2(scenario), objections };
  return stripVTControlCharacters(formatX2(comparison, scenario)).split("\n");
};

test("goodput over time, and measured beside predicted", () => {
  expect(format(usual)).toEqual([
    "",
    "X2  A retry storm outlives the blip that began it",
    "  140 checkouts/s; billing can serve 200/s, and for 1 s only 20/s.",
    "  Up to 4 attempts of 200 ms each. The breaker stands aside.",
    "",
    "  goodput, each ½ s                last 1 s well after theory requests  theory",
    "  naive retries       ██▁▁▁▁▁▁▁▁▁▁      0 %      never  never   × 3.49    3.50",
    "  + full jitter       ██▁▁▁▁▁▁▁▁▁▁      0 %      never  never   × 3.49    3.50",
    "  + budget of a tenth ██▁▁▁▁▁▂████    100 %      2.0 s  1.9 s   × 1.01  ≤ 1.11",
    "  + deadline shedding ██▁▂▇███████    100 %      0.2 s  0.2 s   × 1.01  ≤ 1.11",
    "  the blip              ^^        ",
    "",
    "  naive: 140 × 4 = 560/s > 200/s. The retries sustain themselves: metastable.",
    "  budget: the backlog drains at 200 − 140 = 60/s; with shedding there is none.",
    "",
    "  ✔ as expected: jitter saved nothing; the budget did, with shedding at once",
    "",
  ]);
});

const changes: [string, Partial<Record<Variant, X2Measurement>>, string[]][] = [
  ["all is as expected", {}, []],
  [
    "naive retries recover",
    { naive: { ...collapsed, lastSecond: 0.21 } },
    ["naive recovered: 21.0 % in the last second, not at most 20.0 %"],
  ],
  [
    "jitter alone saves it",
    { jitter: atOnce },
    ["jitter recovered: 100.0 % in the last second, not at most 20.0 %"],
  ],
  [
    "the budget does not end the storm",
    { budget: collapsed },
    ["budget: 0.0 % in the last second, not at least 90.0 %"],
  ],
  [
    "shedding comes too late",
    { "budget+shed": slowly },
    ["budget+shed: 70.0 % from 1 s after the blip on, not at least 90.0 %"],
  ],
  [
    "nothing was measured",
    { "budget+shed": { ...atOnce, lastSecond: Number.NaN, afterwards: Number.NaN } },
    [
      "budget+shed: NaN % in the last second, not at least 90.0 %",
      "budget+shed: NaN % from 1 s after the blip on, not at least 90.0 %",
    ],
  ],
  [
    "somebody is charged twice",
    { naive: { ...collapsed, charges: 461 } },
    ["naive: 461 charges for 460 keys: somebody paid twice"],
  ],
];

test.each(changes)(
  "where %s, the objections are as they should be",
  (_what, changed, objections) => {
    const measured = { ...usual, ...changed };
    expect(objectionsToX2(measured, scenario)).toEqual(objections);
    const lines = format(measured);
    for (const objection of objections) expect(lines).toContain(`  ✘ ${objection}`);
    expect(lines.some((line) => line.includes("✔"))).toBe(objections.length === 0);
  },
);

test("no line is wider than 80 columns", () => {
  for (const line of format(usual)) expect(line.length, line).toBeLessThanOrEqual(80);
});
