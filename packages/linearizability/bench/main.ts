// `npm run bench`: how long verdicts take, and in how much memory. Each case is measured in a
// process of its own, the first check after its start and no warm-up, as the command line would run
// it. Prints Markdown, and with `--json FILE` writes the rows too. The peer is the plain search per
// key: no read at sight, no merging of states; where it needs more than its limits, it has no
// figure.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { cases } from "./cases.ts";

interface Figures {
  readonly verdict: string;
  readonly elapsedMs: number;
  readonly peakMb: number;
  readonly configurations: number;
}

const { values } = parseArgs({ options: { json: { type: "string" } } });
const ROUNDS = 5;

const one = (name: string, how: string): Figures | undefined => {
  const script = new URL("one.ts", import.meta.url).pathname;
  const flags = [...process.execArgv, script, name, how];
  const { stdout, status } = spawnSync(process.execPath, flags, { encoding: "utf8" });
  return status === 0 && stdout !== "" ? (JSON.parse(stdout) as Figures) : undefined;
};

const median = (all: readonly Figures[]): Figures => {
  return all.toSorted((a, b) => a.elapsedMs - b.elapsedMs)[all.length >> 1] as Figures;
};

const rows: object[] = [];
console.log(
  "\n| case | verdict | ms | peak RSS, MB | configurations | plain search, ms | ours / plain |",
);
console.log("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
for (const [name, { present, what }] of Object.entries(cases)) {
  if (!present()) {
    console.log(`| ${what} | not measured: COMPENDIUM_CONFORMANCE is not set | | | | | |`);
    continue;
  }
  const rounds = Array.from({ length: ROUNDS }, () => one(name, "ours") as Figures);
  const ours = median(rounds);
  const plain = one(name, "plain");
  const decided = plain?.verdict === ours.verdict ? plain : undefined;
  const ms = (figure: number | undefined) => (figure === undefined ? "none" : figure.toFixed(1));
  const ratio = decided && ours.elapsedMs / decided.elapsedMs;
  const shown = [what, ours.verdict, ms(ours.elapsedMs), ours.peakMb.toFixed(0)];
  const count = ours.configurations.toLocaleString("en-US");
  console.log(
    `| ${[...shown, count, ms(decided?.elapsedMs), ratio?.toFixed(3) ?? ""].join(" | ")} |`,
  );
  const peers = decided === undefined ? {} : { plain: decided.elapsedMs };
  rows.push({ case: what, unit: "ms", ours: ours.elapsedMs, peers, ratio: ratio ?? null });
  rows.push({ case: what, unit: "MB", ours: ours.peakMb, peers: {}, ratio: null });
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
