// `npm run simulate -- --cases N --seed S`: compares the breaker with its model over N random
// interleavings, the first of them of seed S. A divergence prints its seed and steps, and exits 1.
import { parseArgs } from "node:util";
import * as options from "../src/options.ts";
import * as snapshot from "../src/snapshot.ts";
import { StateMachine } from "../src/state-machine.ts";
import { checkSeed } from "./model-check.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000000" },
    seed: { type: "string", default: "0" },
  },
});
const cases = Number(values.cases);
const first = Number(values.seed);
if (!(Number.isSafeInteger(cases) && cases >= 1 && Number.isSafeInteger(first) && first >= 0)) {
  console.error("--cases must be a whole number from 1, and --seed one from 0");
  process.exit(2);
}

const subject = { StateMachine, ...options, ...snapshot };
const startedAt = performance.now();
for (let i = 0; i < cases; i++) {
  try {
    checkSeed(subject, first + i);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}`);
    console.error(`replay: npm run simulate -- --cases 1 --seed ${first + i}`);
    process.exit(1);
  }
  if ((i + 1) % 100_000 === 0) {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    console.log(`${(i + 1).toLocaleString("en-US")} interleavings agree, ${seconds} s`);
  }
}
console.log(`${cases.toLocaleString("en-US")} interleavings agree with the model`);
