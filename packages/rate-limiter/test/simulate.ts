// `npm run simulate -- --cases N --seed S`: leads the limiter in memory through N adversarial
// histories, the first of them of seed S, and holds it against the models and the bounds. One that
// fails prints its seed and its shortest form, and exits 1. With `--redis`, it is the script in a
// Redis server that is held against the limiter in memory (redis/simulate.ts).
import { parseArgs } from "node:util";
import * as subject from "../src/index.ts";
import { simulateRedis } from "./redis/simulate.ts";
import { checkHistory } from "./support/check-history.ts";
import { drawHistory } from "./support/histories.ts";
import { shorten } from "./support/shorten.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "1000000" },
    seed: { type: "string", default: "0" },
    redis: { type: "boolean", default: false },
  },
});
const cases = Number(values.cases);
const first = Number(values.seed);
if (!(Number.isSafeInteger(cases) && cases >= 1 && Number.isSafeInteger(first) && first >= 0)) {
  console.error("--cases must be a whole number from 1, and --seed one from 0");
  process.exit(2);
}

if (values.redis) process.exit(await simulateRedis(cases, first));

const startedAt = performance.now();
let decisions = 0;
for (let i = 0; i < cases; i++) {
  const history = drawHistory(first + i);
  try {
    checkHistory(subject, history);
  } catch (error) {
    console.error(`${shorten(history, (it) => checkHistory(subject, it)) ?? error}`);
    console.error(`replay: npm run simulate -- --cases 1 --seed ${first + i}`);
    process.exit(1);
  }
  decisions += history.steps.length;
  if ((i + 1) % 100_000 === 0) {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    console.log(`${(i + 1).toLocaleString("en-US")} histories hold, ${seconds} s`);
  }
}
const [told, made] = [cases, decisions].map((it) => it.toLocaleString("en-US"));
console.log(`${told} histories, ${made} operations: all as the models say, none over a bound`);
