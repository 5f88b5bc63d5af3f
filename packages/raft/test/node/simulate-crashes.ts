// `npm run simulate:crashes`: the story of a group (crash-story.ts), crashed at every operation of
// every member's disk, in every way, under `--seeds N` seeds, from `--seed S` on. The tests take a
// sample of it. `--only "member 2, effect 147"` tells those alone. Whatever is not as it must be is
// printed, and exits 1.
import { parseArgs } from "node:util";
import { tell } from "./crash-story.ts";
import { crashAt, WAYS } from "./crashes.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "3" },
    seed: { type: "string", default: "3" },
    only: { type: "string", default: "" },
  },
});
const [seeds, first] = [Number(values.seeds), Number(values.seed)];
if (!(Number.isSafeInteger(seeds) && seeds >= 1 && Number.isSafeInteger(first) && first >= 0)) {
  console.error("--seeds must be a whole number from 1, and --seed one from 0");
  process.exit(2);
}
const AT_ONCE = 16;

const startedAt = performance.now();
let crashes = 0;
let failures = 0;
for (let seed = first; seed < first + seeds; seed++) await sweep(seed);
if (failures > 0) process.exitCode = 1;
else console.log(`${crashes.toLocaleString("en-US")} crashes, and nothing was lost`);

async function sweep(seed: number): Promise<void> {
  const calm = await tell(seed);
  const points = calm.effects
    .filter(({ member, effect }) => `member ${member}, effect ${effect}`.includes(values.only))
    .flatMap((effect) => WAYS.map((way) => ({ effect, way })));
  // Worlds that run at once share the turns of the event loop.
  for (let from = 0; from < points.length; from += AT_ONCE) {
    const part = points.slice(from, from + AT_ONCE);
    const results = await Promise.allSettled(
      part.map(({ effect, way }) => crashAt(calm, effect, way)),
    );
    for (const result of results) {
      crashes++;
      if (result.status === "fulfilled") continue;
      failures++;
      console.error(result.reason);
    }
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  const operations = `${calm.effects.length} operations of the disks`;
  console.log(`seed ${seed}: ${operations}, ${points.length} crashes; ${seconds} s`);
}
