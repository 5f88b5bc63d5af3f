// `npm run simulate crdt-sync -- --seeds 10000 --jobs 2`: regions under that many seeds.
import { runCommand } from "@compendium/simulation/runner";

process.exitCode = await runCommand({
  module: new URL("sim/scenarios.ts", import.meta.url),
  command: "npm run simulate crdt-sync --",
});
