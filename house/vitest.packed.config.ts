import { defineConfig } from "vitest/config";
import base from "../vitest.base.ts";

// What needs a build and the network: part of `npm run check`, not of `npm test`.
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["test/**/*.check.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
