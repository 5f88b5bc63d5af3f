// `npm run simulate raft -- --seeds N --seed S`: groups under N seeded adversaries, from seed S on.
// A broken invariant prints its seed, and exits 1.
import { parseArgs } from "node:util";
import * as raft from "@compendium/raft";
import { coreOf } from "../src/core/raw-node.ts";
import { checkSeed } from "./check-seed.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    seed: { type: "string", default: "0" },
  },
});
const seeds = Number(values.seeds);
const first = Number(values.seed);
if (!(Number.isSafeInteger(seeds) && seeds >= 1 && Number.isSafeInteger(first) && first >= 0)) {
  console.error("--seeds must be a whole number from 1, and --seed one from 0");
  process.exit(2);
}
const subject = { ...raft, coreOf };
const startedAt = performance.now();
const sums = { committed: 0, elections: 0, reads: 0, changes: 0, snapshots: 0 };
for (let done = 0; done < seeds; done++) {
  try {
    const { committedMax, counts } = checkSeed(subject, first + done);
    sums.committed += committedMax;
    for (const name of ["elections", "reads", "changes", "snapshots"] as const) {
      sums[name] += counts[name];
    }
  } catch (error) {
    console.error(error);
    console.error(`replay: npm run simulate raft -- --seeds 1 --seed ${first + done}`);
    process.exit(1);
  }
  if ((done + 1) % 1_000 === 0) {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const list = Object.entries(sums).map(
      ([name, sum]) => `${sum.toLocaleString("en-US")} ${name}`,
    );
    console.log(`${(done + 1).toLocaleString("en-US")} groups: ${list.join(", ")}; ${seconds} s`);
  }
}
console.log(`${seeds.toLocaleString("en-US")} groups kept every invariant`);
