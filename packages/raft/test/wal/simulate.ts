// `npm run simulate:wal`: what the tests take a sample of, in full. Every byte of a log of 1,000
// records changed in each of the 255 ways (`--patterns N` of them); the scripted run crashed at
// every operation of the disk, with `--survivals N` draws of what remains, and the recovery crashed
// at every one of its own. A broken promise is printed, and exits 1.
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import * as wal from "@compendium/raft/wal";
import { countOperations, crash, type Survival } from "./crashes.ts";
import { RottenLog } from "./rot.ts";

const { values } = parseArgs({
  options: {
    patterns: { type: "string", default: "255" },
    survivals: { type: "string", default: "20" },
  },
});
const [patterns, survivals] = [Number(values.patterns), Number(values.survivals)];
if (!(patterns >= 1 && patterns <= 255 && Number.isSafeInteger(survivals) && survivals >= 0)) {
  console.error("--patterns must be in [1, 255], and --survivals a whole number from 0");
  process.exit(2);
}

const startedAt = performance.now();
const say = (line: string) => {
  console.log(`${line}; ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
};
const show = (count: number) => count.toLocaleString("en-US");

const operations = await countOperations(wal);
const kinds: Survival[] = ["nothing", "everything"];
for (let seed = 1; seed <= survivals; seed++) kinds.push(seed);
let openings = 0;
for (let at = 1; at <= operations; at++) {
  for (const survival of kinds) {
    const everywhere = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
    openings += await crash(wal, at, survival, everywhere);
  }
}
say(`${operations} crashes × ${kinds.length} survivals, and ${show(openings)} recoveries`);

const log = await RottenLog.write(wal);
let flips = 0;
for (let by = 1; by <= patterns; by++) {
  for (const path of log.paths) {
    const content = log.bytesOf(path);
    const end = content.findLastIndex((byte) => byte !== 0) + 1;
    const isLast = path === log.paths.at(-1);
    for (let at = 0; at < content.length; at++) {
      const verdict = await log.flip(path, at, by);
      const isRight = verdict === "WAL_CORRUPT" || (isLast && at >= end && verdict === 998);
      assert.ok(isRight, `${path}, byte ${at} XOR ${by}: ${verdict}`);
      flips++;
    }
  }
  if (by % 16 === 0 || by === patterns) say(`${show(flips)} changed bytes`);
}
