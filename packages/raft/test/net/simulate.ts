// `node --conditions=@compendium/source test/net/simulate.ts [seeds] [first]`: members that talk in
// that many hostile worlds, from that seed on; the first one that fails ends it.
import { checkSeed } from "@compendium/simulation";
import * as subject from "../../src/net/index.ts";
import { talkScenario } from "./scenario.ts";

const [count, first] = [Number(process.argv[2] ?? 1_000), Number(process.argv[3] ?? 1)];
const scenario = talkScenario(subject);
for (let seed = first; seed < first + count; seed++) {
  const { failure } = await checkSeed(scenario, seed);
  if (failure === undefined) continue;
  console.error(`seed ${seed} fails in its ${failure.phase}, at ${failure.us} µs:`, failure.error);
  process.exit(1);
}
console.log(`${count} worlds, from seed ${first} on: all held`);
