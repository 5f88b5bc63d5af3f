// `npm run simulate -- --seeds 10000 --jobs 2`: the replicated register under that many seeds. With
// `--broken` first, the registers with planted bugs, to see what a failure looks like.
import { runCommand } from "@compendium/simulation/runner";

const [first, ...rest] = process.argv.slice(2);
const broken = first === "--broken";
process.exitCode = await runCommand({
  module: new URL(broken ? "scenarios.broken.ts" : "scenarios.ts", import.meta.url),
  command: `npm run simulate simulation --${broken ? " --broken" : ""}`,
  args: broken ? rest : process.argv.slice(2),
});
