// `npm run simulate:inline`: the lives of which the tests take a sample, `--seeds N` of them from
// `--from N` on. A broken promise is printed with its seed, and exits 1.
import { parseArgs } from "node:util";
import * as original from "@compendium/runtime/node";
import { live } from "./life.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10000" },
    from: { type: "string", default: "1" },
  },
});
const [seeds, from] = [Number(values.seeds), Number(values.from)];
if (!(Number.isSafeInteger(seeds) && seeds >= 1 && Number.isSafeInteger(from) && from >= 0)) {
  console.error("--seeds must be a whole number from 1, and --from one from 0");
  process.exit(2);
}

const sum = { inline: 0, apart: 0 };
for (let seed = from; seed < from + seeds; seed++) {
  try {
    const { inline, apart } = await live(original, seed);
    sum.inline += inline;
    sum.apart += apart;
  } catch (error) {
    console.error(`npm run simulate:inline -- --seeds 1 --from ${seed}\n`, error);
    process.exit(1);
  }
}
console.log(`${seeds} lives: ${sum.inline} writes on the calling thread, ${sum.apart} elsewhere`);
