import { defineConfig } from "vitest/config";
import base from "../../vitest.base.ts";

// Real processes that are killed and stopped: `npm run e2e`, not `npm test`.
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["test/e2e/**/*.e2e.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    // Members are started as children of the test's process, with the same flags.
    pool: "forks",
    execArgv: ["--conditions=@compendium/source"],
    reporters: process.env.COMPENDIUM_REPORTS ? ["verbose", "json"] : ["verbose"],
  },
});
