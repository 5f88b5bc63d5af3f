// Turbo without its telemetry, spelled so that it works in every shell npm may use.
import { spawnSync } from "node:child_process";

const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1" };
const { status } = spawnSync("turbo", process.argv.slice(2), {
  env,
  stdio: "inherit",
  shell: true,
});
process.exit(status ?? 1);
