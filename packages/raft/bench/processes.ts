// `npm run bench:processes`: a group of three processes on loopback, each with its log on a real
// disk, beside that disk's own write and fdatasync through the same NodeFiles. Prints a table, and
// with `--json FILE` writes the rows. Rounds of ours and of the disk's take turns, because what a
// sync takes changes from one second to the next. `--folder` says where the logs are made: what
// that disk calls durable is its own affair. `--rounds` and `--kills` make it longer or shorter.
// Rounds of `--warm-up` do not count: until the engine has compiled what a proposal runs through,
// some hundred of them, that takes twice as long and says something of a member's first second.
//
// Three members on one machine share its disk and its two cores, which members on three do not: so
// the disk is measured with three files being synced at a time as well.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { BareDisk, Group } from "./group.ts";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    folder: { type: "string", default: tmpdir() },
    rounds: { type: "string", default: "40" },
    "warm-up": { type: "string", default: "20" },
    kills: { type: "string", default: "20" },
  },
});
const ROUNDS = Number(values.rounds);
const KILLS = Number(values.kills);
const SEQUENTIAL = 25;
const WARM_UP = Number(values["warm-up"]);
// An entry of 100 bytes with its envelope, as the log writes it.
const RECORD_BYTES = 152;
const ELECTION_TIMEOUT_MS_MAX = 2_000;

interface Row {
  readonly case: string;
  readonly unit: string;
  readonly ours: number;
  readonly peers: Readonly<Record<string, number>>;
  readonly ratio: number;
}

interface Named {
  readonly name: string;
  readonly group: Group;
  readonly leader: number;
}

const rows: Row[] = [];
const folder = mkdtempSync(path.join(values.folder, "raft-bench-"));
try {
  const groups: Named[] = [];
  for (const [name, flags] of [
    ["TCP", []],
    ["gRPC", ["--grpc"]],
  ] as const) {
    const group = await Group.start(path.join(folder, name), flags);
    groups.push({ name, group, leader: await group.leader() });
  }
  try {
    await sequential(groups);
    for (const each of groups) await throughput(each);
    for (const each of groups) await reads(each);
    await failover(groups[0] as Named);
  } finally {
    await Promise.all(groups.map(({ group }) => group.close()));
  }
} finally {
  rmSync(folder, { recursive: true });
}
print();
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);

// One proposal after the other, each waited for. The ratio is the median of the rounds' ratios: a
// round and the disk's beside it have had the same second.
async function sequential(groups: readonly Named[]): Promise<void> {
  const disks = await Promise.all([0, 1, 2].map(() => BareDisk.open(folder, RECORD_BYTES)));
  const [first] = disks as [BareDisk];
  const alone: number[][] = [];
  const three: number[][] = [];
  const ours = groups.map((): number[][] => []);
  const synced = groups.map((): number[] => []);
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const bare = await first.measure(SEQUENTIAL);
    const together = (await Promise.all(disks.map((disk) => disk.measure(SEQUENTIAL)))).flat();
    if (round >= 0) {
      alone.push(bare);
      three.push(together);
    }
    for (const [at, { group, leader }] of groups.entries()) {
      const question = { ask: "propose", count: SEQUENTIAL, inFlight: 1 } as const;
      const { latencies = [], syncMs = 0 } = await group.ask(leader, question);
      if (round < 0) continue;
      ours[at]?.push([...latencies]);
      synced[at]?.push(syncMs / SEQUENTIAL);
    }
  }
  for (const disk of disks) await disk.close();
  const us = (list: readonly number[][], share: number) => quantile(list.flat(), share) * 1_000;
  for (const [name, share] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    row(`disk, three files at a time, ${name}`, "µs", us(three, share), {
      "write + fdatasync": us(alone, share),
    });
    for (const [at, { name: way }] of groups.entries()) {
      const list = ours[at] as number[][];
      const ratios = list.map(
        (round, each) => quantile(round, share) / quantile(alone[each] as number[], share),
      );
      const peers = {
        "write + fdatasync": us(alone, share),
        "three files at a time": us(three, share),
      };
      row(`one proposal at a time, ${way}, ${name}`, "µs", us(list, share), peers, ratios);
    }
  }
}

// So many proposals in flight; what an entry costs the processors of all three.
async function throughput({ name, group, leader }: Named): Promise<void> {
  for (const [inFlight, count] of [
    [64, 10_000],
    [1_000, 50_000],
  ] as const) {
    const rates: number[] = [];
    const costs: number[] = [];
    for (let round = -1; round < 5; round++) {
      const cpuBefore = await group.cpuUs();
      const { tookMs = 0 } = await group.ask(leader, { ask: "propose", count, inFlight });
      const cpuUs = (await group.cpuUs()) - cpuBefore;
      if (round < 0) continue;
      rates.push(count / (tookMs / 1_000));
      costs.push(cpuUs / count);
    }
    row(`${show(inFlight)} proposals in flight, ${name}`, "entries/s", quantile(rates, 0.5));
    row(`their processor time, all three, ${name}`, "µs/entry", quantile(costs, 0.5));
  }
}

async function reads({ name, group, leader }: Named): Promise<void> {
  const one = await group.ask(leader, { ask: "read", count: 2_000, inFlight: 1 });
  row(`one linearizable read at a time, ${name}, p50`, "µs", quantile(one.latencies, 0.5) * 1_000);
  const rates: number[] = [];
  for (let round = -1; round < 5; round++) {
    const count = 100_000;
    const { tookMs = 0 } = await group.ask(leader, { ask: "read", count, inFlight: 1_000 });
    if (round >= 0) rates.push(count / (tookMs / 1_000));
  }
  row(`1,000 linearizable reads in flight, ${name}`, "reads/s", quantile(rates, 0.5));
}

// kill -9 of the leader, until a proposal succeeds at one of the others.
async function failover({ name, group }: Named): Promise<void> {
  const gaps: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) gaps.push(await group.killLeader());
  const peers = { "longest election timeout": ELECTION_TIMEOUT_MS_MAX };
  row(`kill -9 of the leader → next success, ${name}, median`, "ms", quantile(gaps, 0.5), peers);
  row(`the longest of ${KILLS}`, "ms", Math.max(...gaps), peers);
}

function quantile(list: readonly number[] = [], share: number): number {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] as number;
}

function row(
  name: string,
  unit: string,
  ours: number,
  peers: Record<string, number> = {},
  ratios: readonly number[] = [],
): void {
  const rounded = Object.entries(peers).map(([peer, figure]) => [peer, round(figure)] as const);
  const [peer = Number.NaN] = Object.values(peers);
  const ratio = ratios.length > 0 ? quantile(ratios, 0.5) : ours / peer;
  const shown = Number.isNaN(ratio) ? 1 : Number(ratio.toFixed(2));
  rows.push({
    case: name,
    unit,
    ours: round(ours),
    peers: Object.fromEntries(rounded),
    ratio: shown,
  });
}

function round(figure: number): number {
  return Number(figure.toPrecision(3));
}

function print(): void {
  console.log("\n| three processes, entries of 100 bytes | unit | ours | peers | ours / first |");
  console.log("| --- | --- | ---: | --- | ---: |");
  for (const { case: name, unit, ours, peers, ratio } of rows) {
    const beside = Object.entries(peers).map(([peer, figure]) => `${peer}: ${show(figure)}`);
    const compared = beside.length > 0 ? ratio.toFixed(2) : "";
    console.log(`| ${name} | ${unit} | ${show(ours)} | ${beside.join(", ")} | ${compared} |`);
  }
}

function show(figure: number): string {
  return figure.toLocaleString("en-US");
}
