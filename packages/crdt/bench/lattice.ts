// `npm run bench:lattice [-- --json FILE]`: the types on the lattice, the tree and the movable list
// beside the peers on npm. CPU time, best of so many runs, each contestant in a process of its own,
// interleaved. Prints Markdown; the ratio is ours over the peer's, below 1 where ours is faster.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { latticeCases } from "./lattice-cases.ts";
import { movableListCases } from "./movable-list-cases.ts";
import { treeCases } from "./tree-cases.ts";

const cases = [...latticeCases, ...treeCases, ...movableListCases];

const PROCESSES = 2;
const RUNS = 8;
const LONG_MS = 1_000;

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    // A fresh process is told which case it is for, and for whom.
    case: { type: "string" },
    // Only the cases whose names contain this.
    only: { type: "string", default: "" },
    contestant: { type: "string", default: "" },
  },
});

if (values.case === undefined) runAll();
else process.stdout.write(String(await runOne(Number(values.case), values.contestant)));

function runAll(): void {
  const rows: object[] = [];
  const peers = ["yjs", "loro", "automerge"];
  console.log(`\n| case, CPU ms | ours | ${peers.join(" | ")} |`);
  console.log(`| --- |${" ---: |".repeat(peers.length + 1)}`);
  for (const [place, { name, contestants }] of cases.entries()) {
    if (!name.includes(values.only)) continue;
    const best = new Map<string, number>();
    for (let round = 0; round < PROCESSES; round++) {
      for (const contestant of Object.keys(contestants)) {
        // What takes seconds is not made much better by luck.
        if ((best.get(contestant) ?? 0) > LONG_MS) continue;
        const figure = inFreshProcess(place, contestant);
        best.set(contestant, Math.min(figure, best.get(contestant) ?? Number.POSITIVE_INFINITY));
      }
    }
    const ours = best.get("ours") ?? Number.NaN;
    const cells = peers.map((peer) => {
      const figure = best.get(peer);
      return figure === undefined ? "–" : `${show(figure)} (${(ours / figure).toFixed(2)})`;
    });
    console.log(`| ${name} | ${show(ours)} | ${cells.join(" | ")} |`);
    const { ours: _, ...others } = Object.fromEntries(best);
    const [first = Number.NaN] = Object.values(others);
    const ratio = Number((ours / first).toFixed(3));
    rows.push({ case: name, unit: "CPU ms", ours, peers: others, ratio });
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
}

function show(ms: number): string {
  return ms >= 100 ? ms.toFixed(0) : ms.toPrecision(2);
}

async function runOne(place: number, contestant: string): Promise<number> {
  const work = await cases[place]?.contestants[contestant]?.();
  if (work === undefined) throw new RangeError(`no case ${place} of ${contestant}`);
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS && (run === 0 || best < LONG_MS); run++) {
    const timed = work();
    globalThis.gc?.();
    const before = process.cpuUsage();
    timed();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}

function inFreshProcess(place: number, contestant: string): number {
  // V8 collects and compiles in this thread, so that all of it is charged to whoever caused it.
  const v8 = ["--expose-gc", "--single-threaded", "--conditions=@compendium/source"];
  const asked = ["--case", String(place), "--contestant", contestant];
  const script = fileURLToPath(import.meta.url);
  const { status, stdout, stderr } = spawnSync(process.execPath, [...v8, script, ...asked], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${contestant} stopped with ${status}: ${stderr}`);
  return Number(stdout);
}
