// The README quotes what `npm run order` prints: the figures come from virtual time and fixed
// seeds, so they must be the same here.
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { experiments, tableOf } from "../bench/experiments.ts";

const readme = readFileSync(path.join(import.meta.dirname, "../README.md"), "utf8");

test.each(experiments.map((experiment) => [experiment.name, experiment] as const))(
  "the README shows what comes of it: %s",
  async (_, experiment) => {
    const quoted = [`_${experiment.asks}_`, "", ...(await tableOf(experiment))].join("\n");
    expect(readme).toContain(quoted);
  },
);
