// `npm run simulate sidecar -- --cases N --only NAME --seed S`: N cases of each suite, or of those
// whose names contain NAME, from seed S on. Without --cases, as many of each as the suite asks for
// (those of `everything` are seconds). A line for each; what failed is printed, and exits 1.
import { parseArgs } from "node:util";
import { suites } from "./soak/suites.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string" },
    only: { type: "string", default: "" },
    seed: { type: "string", default: "1" },
  },
});
const first = Number(values.seed);
const wanted = values.cases === undefined ? undefined : Number(values.cases);
if (!(wanted === undefined || (Number.isSafeInteger(wanted) && wanted >= 1))) {
  stop("--cases must be a whole number from 1");
}
if (!(Number.isSafeInteger(first) && first >= 0)) stop("--seed must be a whole number from 0");
const asked = suites.filter(({ name }) => name.includes(values.only));
if (asked.length === 0) {
  stop(`--only must be part of: ${suites.map(({ name }) => name).join(", ")}`);
}

const FAILURES_SHOWN = 10;
for (const { name, cases, run } of asked) {
  let startedAt = performance.now();
  for await (const { what, requests, failures } of run(wanted ?? cases, first)) {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const asking = requests === undefined ? "" : `${requests.toLocaleString("en-US")} requests, `;
    console.log(`${name}: ${what}: ${asking}${failures.length} failed, ${seconds} s`);
    for (const failure of failures.slice(0, FAILURES_SHOWN)) console.log(`  ${failure}`);
    if (failures.length > 0) process.exitCode = 1;
    startedAt = performance.now();
  }
}

function stop(message: string): never {
  console.error(message);
  process.exit(2);
}
