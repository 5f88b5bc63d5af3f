// `npm run bench:wal`: what an append costs beside the disk's own fdatasync, what a sync shared by
// many brings, what an entry costs the processor, and how fast a log is read when it is opened.
// Prints a table, and with `--json FILE` writes it too. Rounds of ours and of the peer take turns.
// The folder is made in `--folder`, the system's temporary one if it is not given; what that disk
// calls durable is its own affair.
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Entry } from "@compendium/raft";
import { WriteAheadLog } from "@compendium/raft/wal";
import { crc32c } from "@compendium/runtime";
import { NodeFiles } from "@compendium/runtime/node";
import { FrameWriter, nextBatch } from "../src/wal/frame.ts";
import { encodeUnits, UnitQueue } from "../src/wal/queue.ts";
import { NO_MARK } from "../src/wal/replay.ts";
import { LogShape } from "../src/wal/shape.ts";

const { values } = parseArgs({
  options: { json: { type: "string" }, folder: { type: "string", default: tmpdir() } },
});

interface Row {
  readonly case: string;
  readonly unit: string;
  readonly ours: number;
  readonly peers: Readonly<Record<string, number>>;
  readonly ratio: number;
}

const ROUNDS = 7;
const DATA = new Uint8Array(100).fill(120);
const RECORD_BYTES = 16 + 112;

const root = mkdtempSync(path.join(values.folder, "raft-wal-bench-"));
const rows: Row[] = [];
try {
  await sequential();
  await grouped();
  encoding();
  await recovery();
} finally {
  rmSync(root, { recursive: true });
}
print();
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);

// One append after the other, each waited for; beside a write of as many bytes into a file of zeros
// and fdatasync, through the same node:fs/promises.
async function sequential(): Promise<void> {
  const { log } = await WriteAheadLog.open({ files: new NodeFiles(root), folder: "sequential" });
  const bare = await fs.open(path.join(root, "bare"), "w+");
  await bare.write(new Uint8Array(2 ** 24), 0, 2 ** 24, 0);
  await bare.sync();
  const record = new Uint8Array(RECORD_BYTES).fill(7);
  let [index, offset] = [1, 0];
  const [ours, peer]: [number[], number[]] = [[], []];
  for (let round = -2; round < ROUNDS; round++) {
    for (let at = 0; at < 150; at++) {
      const startedAt = performance.now();
      await log.append([entryAt(index++)]);
      if (round >= 0) ours.push(performance.now() - startedAt);
    }
    for (let at = 0; at < 150; at++) {
      const startedAt = performance.now();
      await bare.write(record, 0, RECORD_BYTES, offset);
      await bare.datasync();
      if (round >= 0) peer.push(performance.now() - startedAt);
      offset += RECORD_BYTES;
    }
  }
  await bare.close();
  await log.close();
  for (const [name, share] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    const figures = { "write + fdatasync": quantile(peer, share) * 1_000 };
    row(`one entry at a time, ${name}`, "µs", quantile(ours, share) * 1_000, figures);
  }
}

// A thousand appends in flight: each sync serves all that came during the one before it.
async function grouped(): Promise<void> {
  const { log } = await WriteAheadLog.open({ files: new NodeFiles(root), folder: "grouped" });
  const rates: number[] = [];
  let index = 1;
  for (let round = -2; round < ROUNDS; round++) {
    const startedAt = performance.now();
    const done: Promise<void>[] = [];
    for (let turn = 0; turn < 20; turn++) {
      for (let at = 0; at < 1_000; at++) done.push(log.append([entryAt(index++)]));
      await done.at(-1);
    }
    await Promise.all(done);
    if (round >= 0) rates.push(20_000 / ((performance.now() - startedAt) / 1_000));
  }
  const { batches, entries } = log.stats();
  await log.close();
  const single = 1_000_000 / (rows[0]?.ours ?? Number.NaN);
  row("1,000 appends in flight", "entries/s", quantile(rates, 0.5), { "one at a time": single });
  row("entries that share a sync", "entries", entries / batches, { "one at a time": 1 });
}

// In memory: checked, laid down as records, chained; beside the CRC alone of as many bytes.
function encoding(): void {
  const count = 10_000;
  const entries = Array.from({ length: count }, (_, at) => entryAt(at + 1));
  const writer = new FrameWriter();
  const [ours, peer]: [number[], number[]] = [[], []];
  for (let round = -5; round < 3 * ROUNDS; round++) {
    const hardState = { term: 1, vote: 1, commit: 0 };
    const queue = new UnitQueue({ hardState, mark: NO_MARK, shape: new LogShape(0, 0) });
    const before = process.cpuUsage();
    queue.checkEntries(entries);
    queue.add(entries).catch(() => {});
    const size = queue.bytes;
    const units = queue.take(size);
    writer.begin({ sequence: 1, offset: 128, crc: 1, batch: nextBatch(1) }, size);
    encodeUnits(units, writer);
    const between = process.cpuUsage();
    crc32c(writer.written, 0, size, 0);
    const after = process.cpuUsage();
    if (round < 0) continue;
    ours.push(nanoseconds(before, between) / count);
    peer.push(nanoseconds(between, after) / count);
  }
  row("CPU of an entry of 100 bytes", "ns", quantile(ours, 0.5), {
    "CRC alone": quantile(peer, 0.5),
  });
}

// A log of 64 MiB in four segments, from the page cache; beside reading the files.
async function recovery(): Promise<void> {
  const files = new NodeFiles(root);
  const options = { files, folder: "recovery" };
  const { log } = await WriteAheadLog.open(options);
  let index = 1;
  for (let batch = 0; batch < 500; batch++) {
    await log.append(Array.from({ length: 1_000 }, () => entryAt(index++)));
  }
  await log.close();
  const [ours, peer]: [number[], number[]] = [[], []];
  for (let round = -1; round < ROUNDS; round++) {
    const startedAt = performance.now();
    const { log: again, entries } = await WriteAheadLog.open(options);
    const tookMs = performance.now() - startedAt;
    await again.close();
    if (entries.length !== index - 1) throw new Error(`${entries.length} entries`);
    const readAt = performance.now();
    let bytes = 0;
    for (const name of await files.list("recovery")) {
      const file = path.join(root, "recovery", name);
      await fs.readFile(file);
      bytes += statSync(file).size;
    }
    if (round < 0) continue;
    ours.push(bytes / 2 ** 20 / (tookMs / 1_000));
    peer.push(bytes / 2 ** 20 / ((performance.now() - readAt) / 1_000));
  }
  row("opening a log of 500,000 entries", "MiB/s", quantile(ours, 0.5), {
    "readFile alone": quantile(peer, 0.5),
  });
}

function entryAt(index: number): Entry {
  return { index, term: 1, type: "normal", data: DATA };
}

function nanoseconds(before: NodeJS.CpuUsage, after: NodeJS.CpuUsage): number {
  return (after.user + after.system - before.user - before.system) * 1_000;
}

function quantile(list: readonly number[], share: number): number {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] as number;
}

function row(name: string, unit: string, ours: number, peers: Record<string, number>): void {
  const rounded = Object.entries(peers).map(([peer, figure]) => [peer, round(figure)] as const);
  const ratio = Number((ours / (Object.values(peers)[0] ?? Number.NaN)).toFixed(2));
  rows.push({ case: name, unit, ours: round(ours), peers: Object.fromEntries(rounded), ratio });
}

function round(figure: number): number {
  return Number(figure.toPrecision(3));
}

function print(): void {
  console.log("\n| case | unit | ours | peer | ours / peer |");
  console.log("| --- | --- | ---: | --- | ---: |");
  for (const { case: name, unit, ours, peers, ratio } of rows) {
    const [[peer, figure] = ["", 0]] = Object.entries(peers);
    const cells = [name, unit, show(ours), `${peer}: ${show(figure)}`, ratio.toFixed(2)];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

function show(figure: number): string {
  return figure.toLocaleString("en-US");
}
