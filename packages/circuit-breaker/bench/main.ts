// `npm run bench`: what a call costs through a breaker, and what a breaker weighs, ours beside
// opossum's and cockatiel's. Prints Markdown tables, and with `--json FILE` writes the rows too.
// `ratio` is ours over the row's first peer: the call without a breaker, or the lightest library.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { failures, refusals, successes, timedSuccesses } from "./calls.ts";
import { weights } from "./memory.ts";
import { printTable, type Row } from "./row.ts";

const { values } = parseArgs({ options: { json: { type: "string" } } });

if (globalThis.gc === undefined) {
  // Flags that only a fresh process can take: to collect between rounds, and to have V8 collect and
  // compile in this thread, or CPU time of its helpers would be charged to whoever runs just then.
  const v8 = ["--expose-gc", "--single-threaded"];
  const flags = [...v8, ...process.execArgv, ...process.argv.slice(1)];
  process.exit(spawnSync(process.execPath, flags, { stdio: "inherit" }).status ?? 1);
}

const rows: Row[] = [];
for (const part of [weights, successes, timedSuccesses, failures, refusals]) {
  rows.push(...(await part()));
}
const [memory, timers, ...calls] = rows as [Row, Row, ...Row[]];
printTable(calls);
printTable([memory]);
printTable([timers]);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
