// `npm run bench`: what a call costs through a pipeline, and what a pipeline costs at rest, ours
// beside cockatiel's and opossum's. Prints Markdown tables, and with `--json FILE` writes the rows
// as well. `ratio` is ours over the row's first peer: the call without policies, or no pipelines.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { failures, successes } from "./calls.ts";
import { heap, idle } from "./rest.ts";
import { printTable, type Row } from "./row.ts";
import { singles } from "./singles.ts";

const { values } = parseArgs({ options: { json: { type: "string" } } });

if (globalThis.gc === undefined) {
  // Collecting between rounds needs a flag that only a fresh process can take.
  const flags = ["--expose-gc", ...process.execArgv, ...process.argv.slice(1)];
  process.exit(spawnSync(process.execPath, flags, { stdio: "inherit" }).status ?? 1);
}

const rows: Row[] = [];
const show = (more: readonly Row[]) => {
  rows.push(...more);
  printTable(more);
};
// First, while the process is young: what the others leave behind would count.
show(await heap());
show([...(await successes()), ...(await failures())]);
show(await singles());
show(await idle());
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
// Opossum's breakers would tick on.
process.exit(0);
