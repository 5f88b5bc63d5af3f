// `npm run order`: what the order of two policies changes. Each experiment sends the same load to
// the same dependency in virtual time, once in either order, with fixed seeds: the figures are the
// same on every machine. The README quotes them, and a test holds it to that.
import { experiments, tableOf } from "./experiments.ts";

for (const experiment of experiments) {
  const table = await tableOf(experiment);
  console.log(`\n### ${experiment.name}\n\n${experiment.asks}\n\n${table.join("\n")}`);
}
