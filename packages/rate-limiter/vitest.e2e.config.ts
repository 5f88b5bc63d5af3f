import { defineConfig } from "vitest/config";
import base from "../../vitest.base.ts";

// Containers: `npm run e2e`, not `npm test`. One file after the other: they would slow each other.
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["test/integration/**/*.e2e.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
    reporters: process.env.COMPENDIUM_REPORTS ? ["verbose", "json"] : ["verbose"],
  },
});
