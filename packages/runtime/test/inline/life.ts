// A seeded life of a log on a disk that changes its mind: writes of all sizes, alone and two at a
// time, quick and slow spells, short writes, a full disk, a broken one; and what has to hold in it.
import assert from "node:assert/strict";
import { type OpenFile, SeededRandom, type SyncPlace } from "@compendium/runtime";
import { type Behaviour, type Subject, WatchedDisk } from "./watched-disk.ts";

const STEPS = 80;
const INLINE_BYTES_MAX = 4_096;
// What the header of inline-sync.ts promises of slow writes.
const ALLOWANCE_MS = 20;
const SHARE = 1 / 10;
const QUICK_MS = 1;

interface Log {
  readonly name: string;
  readonly file: OpenFile;
  /** How many calls there were before it was opened. */
  readonly from: number;
  end: number;
}

/** Lives one life; throws what was broken. Returns how many writes were inline, and apart. */
export async function live(subject: Subject, seed: number): Promise<Record<SyncPlace, number>> {
  const random = new SeededRandom(seed);
  const moods = random.fork();
  let isSlow = false;
  let areFaultsOver = false;
  using disk = await WatchedDisk.make(() => {
    return areFaultsOver ? { tookMs: 0.9 } : draw(moods, isSlow);
  });
  const files = new subject.NodeFiles(disk.root, { clock: disk.clock, quickSyncMs: QUICK_MS });
  const places = { inline: 0, apart: 0 };
  await using toClose = new AsyncDisposableStack();
  let opened = 0;
  const openLog = async (): Promise<Log> => {
    const name = `log-${opened++}`;
    const file = toClose.use(await files.open(name, { create: "always" }));
    return { name, file, from: disk.calls.length, end: 0 };
  };
  let log = await openLog();
  for (let step = 0; step < STEPS; step++) {
    disk.nowMs += random.below(5) === 0 ? random.below(4_000) : random.below(20);
    if (random.below(12) === 0) isSlow = !isSlow;
    const count = random.below(6) === 0 ? 2 : 1;
    const writes = Array.from({ length: count }, () => write(disk, log, random));
    const before = disk.calls.length;
    const settled = await Promise.all(writes);
    for (const place of settled) if (place !== "broken") places[place]++;
    // Where one of them has failed, it was made again, alone.
    const hasFailed = disk.calls.slice(before).some(({ fault }) => fault !== undefined);
    const inline = settled.filter((place) => place === "inline").length;
    assert.ok(inline <= 1 || hasFailed, "two at a time inline");
    if (!settled.includes("broken")) continue;
    await checkRefuses(disk, log);
    log = await openLog();
  }
  checkAllowance(disk);
  areFaultsOver = true;
  disk.nowMs += 10_000;
  // For longer than any allowance lasts.
  for (let again = 0; again < 50; again++, log.end += 100) {
    const place = await log.file.writeThrough(bytes(100, again), log.end);
    assert.equal(place, "inline", "the disk is quick, and nothing is inline");
  }
  checkStats(disk, files.inlineStats());
  return places;
}

function draw(random: SeededRandom, isSlow: boolean): Behaviour {
  const slowMs = QUICK_MS + (1 + random.below(30_000)) / 1_000;
  const quickMs = random.below(1_000) / 1_000;
  const tookMs = isSlow || random.below(40) === 0 ? slowMs : quickMs;
  const fate = random.below(80);
  if (fate === 0) return { tookMs, fault: "EIO" };
  if (fate <= 2) return { tookMs, fault: "ENOSPC" };
  return fate <= 10 ? { tookMs, bytesMax: 1 + random.below(200) } : { tookMs };
}

async function write(
  disk: WatchedDisk,
  log: Log,
  random: SeededRandom,
): Promise<SyncPlace | "broken"> {
  const length = 1 + random.below(random.below(4) === 0 ? 8_000 : 500);
  const all = bytes(length, random.below(256));
  const cut = random.below(length);
  const chunks = [all.subarray(0, cut), new Uint8Array(0), all.subarray(cut)];
  const at = log.end;
  log.end += length;
  for (;;) {
    disk.isTurnUnderWay = true;
    // What a link sends leaves in the second tick from here: it gathers, then it is uncorked.
    process.nextTick(() => process.nextTick(() => (disk.isTurnUnderWay = false)));
    try {
      const place = await log.file.writeThrough(chunks, at);
      assert.deepEqual(disk.durable(log.name, at, length), all, "not durable when it settled");
      assert.ok(place === "apart" || length <= INLINE_BYTES_MAX, `${length} bytes inline`);
      const calls = disk.calls.slice(log.from).filter((call) => call.at >= at);
      const isBroken = calls.some((call) => call.fault === "EIO" && call.at < at + length);
      assert.ok(!isBroken, "what has failed was tried again");
      return place;
    } catch (error) {
      const { code, message } = error as { code?: unknown; message: string };
      const expected = code === "DISK_FULL" ? "ENOSPC" : "EIO";
      const hasFailed = disk.calls.slice(log.from).some(({ fault }) => fault === expected);
      assert.ok(hasFailed, `nothing has failed: ${message}`);
      if (code === "DISK_FULL") continue;
      assert.equal(code, "FILE_SYNC_FAILED", message);
      return "broken";
    }
  }
}

// Nobody knows what became of a write that has failed, so nothing may touch the file after it.
async function checkRefuses({ calls }: WatchedDisk, { file, end }: Log): Promise<void> {
  const before = calls.length;
  await assert.rejects(file.writeThrough(bytes(10, 1), end), { code: "FILE_SYNC_FAILED" });
  await assert.rejects(file.sync(), { code: "FILE_SYNC_FAILED" });
  assert.equal(calls.length, before, "a write after one that has failed");
  await file.close();
}

// What stands at the head of inline-sync.ts, for any time that begins and ends with a slow write.
function checkAllowance({ calls }: WatchedDisk): void {
  const slow = inlineWrites(calls).filter(({ tookMs }) => tookMs > QUICK_MS);
  for (const [first, { startedMs }] of slow.entries()) {
    let sumMs = 0;
    for (const each of slow.slice(first)) {
      const elapsedMs = each.startedMs - startedMs;
      const text = `${sumMs} ms of slow writes in ${elapsedMs} ms, and then another`;
      assert.ok(sumMs < ALLOWANCE_MS + elapsedMs * SHARE + 1e-6, text);
      sumMs += each.tookMs;
    }
  }
}

function checkStats(
  { calls }: WatchedDisk,
  stats: { writes: number; slow: number; longestMs: number },
): void {
  const writes = inlineWrites(calls);
  const slow = writes.filter(({ tookMs }) => tookMs > QUICK_MS).length;
  assert.deepEqual([stats.writes, stats.slow], [writes.length, slow]);
  const longestMs = Math.max(...writes.map(({ tookMs }) => tookMs));
  assert.ok(Math.abs(stats.longestMs - longestMs) < 1e-6, `${stats.longestMs}, not ${longestMs}`);
}

function inlineWrites(calls: WatchedDisk["calls"]): { startedMs: number; tookMs: number }[] {
  const writes: { startedMs: number; tookMs: number }[] = [];
  for (const { place, startedMs, tookMs, isContinued } of calls) {
    const last = writes.at(-1);
    if (place !== "inline") continue;
    if (isContinued && last !== undefined) last.tookMs += tookMs;
    else writes.push({ startedMs, tookMs });
  }
  return writes;
}

function bytes(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (first + at * 7) & 255);
}
