// `npm run bench` of this package: prints a table, and with `--json FILE` writes it as well.
// The ratio is our figure over that of the best peer: 0.5 means half the cost.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { randomRows } from "./random.bench.ts";
import { timerRow } from "./timer.bench.ts";

const { values } = parseArgs({ options: { json: { type: "string" } } });
const rows = [...randomRows(), timerRow()];

console.log("| case | unit | ours | peers | ratio |");
console.log("| --- | --- | --- | --- | --- |");
for (const { case: name, unit, ours, peers, ratio } of rows) {
  const figures = Object.entries(peers).map(([peer, figure]) => `${peer} ${figure}`);
  console.log(`| ${name} | ${unit} | ${ours} | ${figures.join(", ")} | ${ratio} |`);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
