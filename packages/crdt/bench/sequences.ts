// `npm run bench:sequences [-- --json FILE]`: texts beside five libraries, on recorded editing
// sessions. CPU time, best of so many runs, each contestant in a process of its own, one after the
// other on the same case, so that all meet the same machine. Prints Markdown; in brackets ours over
// theirs, below 1 where ours is the lesser. The traces come from COMPENDIUM_CONFORMANCE.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { sequentialTraces } from "../test/conformance/traces.ts";
import { cases } from "./cases.ts";
import { libraries } from "./libraries.ts";

const ROUNDS = 3;
const RUNS = 10;
// What takes seconds is run less often.
const slow = new Set(["@automerge/automerge"]);

const { values } = parseArgs({
  options: { json: { type: "string" }, only: { type: "string", default: "" } },
});
const { COMPENDIUM_CONFORMANCE: root = "" } = process.env;
if (root === "") {
  console.log("not measured: COMPENDIUM_CONFORMANCE is not set; it names a folder with traces/");
  process.exit(0);
}

const names = Object.keys(libraries);
const rows: object[] = [];
console.log(`\n| case | trace | ${names.join(" | ")} |`);
console.log(`| --- | --- |${" ---: |".repeat(names.length)}`);
for (const [name, { unit }] of Object.entries(cases)) {
  if (!name.includes(values.only)) continue;
  for (const trace of sequentialTraces) {
    const best = new Map<string, number>();
    const rounds = unit === "bytes" ? 1 : ROUNDS;
    for (let round = 0; round < rounds; round++) {
      for (const library of names) {
        if (round > 0 && slow.has(library)) continue;
        const figure = inFreshProcess(name, library, trace, unit === "bytes");
        if (figure === undefined) continue;
        best.set(library, Math.min(figure, best.get(library) ?? Number.POSITIVE_INFINITY));
      }
    }
    const { ours = Number.NaN, ...peers } = Object.fromEntries(best);
    const cells = names.map((library) => {
      const figure = best.get(library);
      if (figure === undefined) return "–";
      const ratio = library === "ours" ? "" : ` (${(ours / figure).toFixed(2)})`;
      return `${show(figure, unit)}${ratio}`;
    });
    console.log(`| ${name}, ${unit} | ${trace} | ${cells.join(" | ")} |`);
    const ratio = Number((ours / Math.min(...Object.values(peers))).toFixed(3));
    rows.push({ case: `${name}: ${trace}`, unit, ours, peers, ratio });
  }
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);

function inFreshProcess(name: string, library: string, trace: string, isSize: boolean) {
  const script = fileURLToPath(new URL("one.ts", import.meta.url));
  const runs = isSize ? 1 : slow.has(library) ? 2 : RUNS;
  const args = [...process.execArgv, script, name, library, trace, String(runs)];
  // Minutes of one contestant would say no more than that it is the slowest.
  const { stdout, status } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    timeout: 120_000,
  });
  const last = stdout.trim().split("\n").at(-1) ?? "";
  return status === 0 ? ((JSON.parse(last) as number | null) ?? undefined) : undefined;
}

function show(figure: number, unit: string): string {
  return unit === "bytes" ? Math.round(figure).toLocaleString("en-US") : figure.toPrecision(3);
}
