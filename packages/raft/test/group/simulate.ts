// `npm run simulate raft -- --seeds 2500 --jobs 2`: whole groups, on the simulated world.
import { runCommand } from "@compendium/simulation/runner";

process.exitCode = await runCommand({
  module: new URL("scenarios.ts", import.meta.url),
  command: "npm run simulate raft --",
});
