import { defineConfig } from "vitest/config";

// `vitest` here runs every package in one process; `turbo run test` runs and caches each alone.
export default defineConfig({
  test: { projects: ["packages/*", "examples/*", "house", "observability"] },
});
