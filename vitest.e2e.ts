import { defineConfig } from "vitest/config";
import base from "./vitest.base.ts";

const { COMPENDIUM_REPORTS: reports } = process.env;

// Real processes, containers and load: `npm run e2e`, not `npm test`. Two files at once would
// measure each other.
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["test/**/*.e2e.ts"],
    fileParallelism: false,
    // Images are made in hooks.
    hookTimeout: 600_000,
    // Services are started as children of the test's process, with the same flags.
    pool: "forks",
    reporters: reports ? ["verbose", "json"] : ["verbose"],
  },
});
