// `npm run simulate crdt -- --cases N --only NAME --seed S`: N seeded schedules of each suite, or
// of those whose names contain NAME, the first of them of seed S. Without --cases, as many of each
// as the suite asks for. A schedule that goes wrong is shortened, printed with its seed, and exits
// 1.
import { parseArgs } from "node:util";
import * as subject from "../src/index.ts";
import { suites } from "./simulation/suites.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string" },
    only: { type: "string", default: "" },
    seed: { type: "string", default: "0" },
  },
});
const first = Number(values.seed);
const wanted = values.cases === undefined ? undefined : Number(values.cases);
if (!(wanted === undefined || (Number.isSafeInteger(wanted) && wanted >= 1))) {
  stop("--cases must be a whole number from 1");
}
if (!(Number.isSafeInteger(first) && first >= 0)) stop("--seed must be a whole number from 0");
const asked = suites.filter(({ name }) => name.includes(values.only));
if (asked.length === 0)
  stop(`--only must be part of: ${suites.map(({ name }) => name).join(", ")}`);

const show = (count: number): string => count.toLocaleString("en-US");
for (const { name, cases, check } of asked) {
  const startedAt = performance.now();
  const count = wanted ?? cases;
  for (let seed = first; seed < first + count; seed++) {
    try {
      check(seed, subject);
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      console.error(`replay: npm run simulate crdt -- --only ${name} --cases 1 --seed ${seed}`);
      process.exit(1);
    }
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(`${name}: ${show(count)} schedules, no divergence, ${seconds} s`);
}

function stop(message: string): never {
  console.error(message);
  process.exit(2);
}
