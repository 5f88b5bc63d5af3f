// `npm run simulate raft -- --group --seeds 10000 --jobs 2`: whole groups, on the simulated world.
import { runCommand } from "@compendium/simulation/runner";

process.exitCode = await runCommand({
  module: new URL("scenarios.ts", import.meta.url),
  command: "npm run simulate:group --",
});
