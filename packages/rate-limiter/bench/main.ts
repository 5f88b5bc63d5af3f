// `npm run bench`: what a decision costs, in memory and through Redis, and what a limiter weighs,
// ours beside the peers. Prints Markdown tables, and with `--json FILE` writes the rows as well.
// `ratio` is ours over the row's first peer.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Case, Part } from "./case.ts";
import { memory } from "./memory.ts";
import { redis } from "./redis.ts";
import { rest } from "./rest.ts";
import { makeRow, printTable, type Row } from "./row.ts";
import { speed } from "./speed.ts";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    // Only the cases whose names contain this.
    only: { type: "string", default: "" },
    // A fresh process is told which case it is for, and for whom.
    case: { type: "string" },
    contestants: { type: "string", default: "[]" },
  },
});

const parts: readonly Part[] = [{ cases: speed }, { cases: memory }, { cases: rest }, redis];
if (values.case === undefined) runAll();
else await runOne(values.case, JSON.parse(values.contestants) as string[]);

function runAll(): void {
  const rows: Row[] = [];
  for (const { cases, missing } of parts) {
    const asked = cases.filter((it) => it.rows.some(({ name }) => name.includes(values.only)));
    if (asked.length > 0 && missing !== undefined) console.log(`\n${missing}`);
    const measured = missing === undefined ? asked.flatMap(inFreshProcesses) : [];
    for (const table of Map.groupBy(measured, ({ unit }) => unit).values()) printTable(table);
    rows.push(...measured);
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
}

async function runOne(name: string, contestants: readonly string[]): Promise<void> {
  const found = parts.flatMap(({ cases }) => cases).find((it) => nameOf(it) === name);
  process.stdout.write(JSON.stringify(await found?.run(contestants)));
  // Some contestants' timers would tick on.
  process.exit(0);
}

function inFreshProcesses(one: Case): Row[] {
  const { rows, contestants, apart } = one;
  const groups = apart ? contestants.map((it) => [it]) : [contestants];
  const figures = groups.flatMap((group) => inFreshProcess(nameOf(one), group));
  return rows.map(({ name, unit }, row) => {
    const ofRow = contestants.map((it, i) => [it, figures[i]?.[row] as number] as const);
    return makeRow(name, unit, ofRow);
  });
}

function nameOf({ rows }: Case): string {
  return rows[0]?.name as string;
}

function inFreshProcess(name: string, contestants: readonly string[]): number[][] {
  // To collect between rounds, and to have V8 collect and compile in this thread, or CPU time of
  // its helpers would be charged to whoever runs just then.
  const v8 = ["--expose-gc", "--single-threaded", "--max-old-space-size=8192"];
  const asked = ["--case", name, "--contestants", JSON.stringify(contestants)];
  const { status, stdout } = spawnSync(
    process.execPath,
    [...v8, ...process.execArgv, fileURLToPath(import.meta.url), ...asked],
    { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  );
  if (status !== 0)
    throw new Error(`${name}, ${contestants.join(" and ")}: stopped with ${status}`);
  return JSON.parse(stdout) as number[][];
}
