// What the limits do on the queueing model, in figures, over many seeds:
//
//   node --conditions=@compendium/source test/simulate-limits.ts [--seeds 20]
//
// The same trials, with few seeds, are held by limits.test.ts. "Netflix" rows are Gradient2 and
// Vegas with the published formulas and defaults (support/published-limits.ts), for comparison.
import { parseArgs } from "node:util";
import type { Limit } from "@compendium/resilience";
import { CHANGES, drift, goodput, LIMITS, mean, track } from "./support/limit-trials.ts";
import { publishedGradient2, publishedVegas } from "./support/published-limits.ts";
import { fixed } from "./support/queueing-model.ts";

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "20" } },
  strict: false,
});
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => i + 1);
const SPREADS = ["constant", "uniform", "exponential", "bimodal"] as const;

const ALL: Record<string, () => Limit> = {
  ...LIMITS,
  "Netflix gradient2": publishedGradient2,
  "Netflix vegas": publishedVegas,
};

console.log(`${seeds.length} seeds; 50 workers of 20 ms, virtual time.`);
console.log(
  "Service times: constant; uniform ± 50 % (CV 0.29); exponential (CV 1); bimodal (CV 1.42).\n",
);

const overload = Object.entries({
  "no limit": () => fixed(1e9),
  ...ALL,
  "best fixed limit": () => fixed(50),
});
console.log("At 5 × overload, timeout 200 ms: goodput, mean and worst seed, % of capacity;");
console.log("and the mean response time of the calls that were let in, ms");
table(
  ["", ...SPREADS],
  Object.fromEntries(overload.map(([name, make]) => [name, row(name, make)])),
);

console.log(
  "\nUnder pressure that stays, 50 workers: the limit (gradient2: its estimate) every 80 s",
);
for (const spread of SPREADS) {
  for (const [name, make] of Object.entries(ALL)) {
    const seen = drift(make, spread, 1, { everyMs: 79_990, times: 5 });
    console.log(`${spread.padEnd(12)} ${name.padEnd(18)} ${seen.map(Math.round).join("  ")}`);
  }
}

console.log(
  "\nAfter a change: seeds within 15 % of the optimum at round trip 100 (mean of 90 to 110),",
);
console.log("and share of the round trips 100 to 300 within 15 %");
for (const wireMs of [0, 20]) {
  for (const [change, what] of Object.entries(CHANGES)) {
    console.log(`\n${change}, wire ${wireMs} ms`);
    const rows: Record<string, string[]> = {};
    for (const [name, make] of Object.entries(ALL)) {
      rows[name] = SPREADS.map((spread) => {
        const found = seeds.map((seed) => track(make, what, { spread, wireMs }, seed));
        const held = found.filter(({ at100 }) => Math.abs(at100 - 1) <= 0.15).length;
        return `${percent(held / seeds.length)} ${percent(mean(found.map((f) => f.within)))}`;
      });
    }
    table(["", ...SPREADS], rows);
  }
}

function row(name: string, make: () => Limit): string[] {
  // An unbounded backlog takes its time, and is always the same.
  const few = name === "no limit" ? seeds.slice(0, 1) : seeds;
  return SPREADS.map((spread) => {
    const runs = few.map((seed) => goodput(make(), 5, { spread }, seed));
    const shares = runs.map((run) => run.goodput);
    const rttMs = mean(runs.map((run) => run.rttMeanMs));
    return `${percent(mean(shares))} ${percent(Math.min(...shares))} ${rttMs.toFixed(0).padStart(4)}`;
  });
}

function percent(share: number): string {
  return (share * 100).toFixed(share < 0.1 ? 1 : 0).padStart(4);
}

function table(head: readonly string[], rows: Record<string, string[]>): void {
  for (const cells of [head, ...Object.entries(rows).map(([name, row]) => [name, ...row])]) {
    const [first = "", ...rest] = cells;
    console.log(first.padEnd(18) + rest.map((cell) => cell.padStart(17)).join(""));
  }
}
