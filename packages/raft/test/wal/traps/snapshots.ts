import assert from "node:assert/strict";
import { Disk } from "../disk.ts";
import { bytes, entries, entry, FOLDER, open, type Subject, snapshotAt } from "../story.ts";
import type { Trap } from "./trap.ts";

const CORRUPT = { name: "WalError", code: "WAL_CORRUPT" };

const pathsOf = (disk: Disk, suffix: string) =>
  [...disk.names.keys()].filter((path) => path.endsWith(suffix)).sort();

// A log over five segments, with a snapshot in the last of them.
async function long(subject: Subject, index: number) {
  const disk = new Disk();
  const { log } = await open(subject, disk);
  for (let at = 1; at <= 100; at++) await log.append([entry(at, 1, bytes(at, 150))]);
  await log.saveSnapshot(snapshotAt(index, 1));
  return { disk, log };
}

export const snapshots: readonly Trap[] = [
  {
    name: "a snapshot is written beside, synced, renamed, its folder synced, and then named",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      await log.append(entries(1, 9, 1));
      disk.operations.length = 0;
      await log.saveSnapshot(snapshotAt(5, 1));
      const kinds = disk.operations.map(({ kind }) => kind);
      const order = ["open", "truncate", "write", "sync", "rename", "syncFolder", "write", "sync"];
      assert.deepEqual(kinds, order);
      const names = disk.operations.slice(0, 4).map(({ path }) => path);
      assert.ok(
        names.every((path) => path.endsWith(".snapshot.tmp")),
        "it is not written beside",
      );
      const found = await open(
        subject,
        disk.afterCrash(() => false),
      );
      assert.deepEqual(found.snapshot, snapshotAt(5, 1));
      assert.deepEqual(found.entries, entries(6, 9, 1));
      assert.equal(found.hardState.commit, 5);
    },
  },
  {
    name: "a snapshot that the log does not lead to replaces it, and one that it leads to does not",
    async run(subject) {
      for (const [index, term, kept] of [
        [9, 1, 3],
        [9, 2, 0],
        [12, 1, 0],
        [50, 4, 0],
      ] as const) {
        const disk = new Disk();
        const { log } = await open(subject, disk);
        await log.append(entries(1, 12, 1));
        await log.saveSnapshot(snapshotAt(index, term));
        const found = await open(subject, disk.clone());
        assert.equal(found.entries.length, kept);
        await log.append([entry(index + 1, 4)]);
        const next = await open(subject, disk.clone());
        assert.deepEqual(next.entries, [entry(index + 1, 4)]);
      }
    },
  },
  {
    name: "an older snapshot than the last one is left alone",
    async run(subject) {
      const { disk, log } = await long(subject, 60);
      const before = disk.count;
      await log.saveSnapshot(snapshotAt(60, 1));
      await log.saveSnapshot(snapshotAt(50, 1));
      assert.equal(disk.count, before);
      const both = [log.saveSnapshot(snapshotAt(90, 1)), log.saveSnapshot(snapshotAt(80, 1))];
      await Promise.all(both);
      assert.deepEqual((await open(subject, disk.clone())).snapshot, snapshotAt(90, 1));
    },
  },
  {
    name: "any changed byte of a snapshot, a cut or a missing one, is refused",
    async run(subject) {
      const { disk, log } = await long(subject, 60);
      await log.close();
      const [path = ""] = pathsOf(disk, ".snapshot");
      const content = disk.bytesOf(path);
      for (let at = 0; at < content.length; at++) {
        for (const by of [at % 2 ? 1 : 0x80, content[at] || 0x20]) {
          content[at] = (content[at] as number) ^ by;
          await assert.rejects(open(subject, disk), CORRUPT);
          content[at] = (content[at] as number) ^ by;
        }
        if (at % 10 > 0) continue;
        const cut = disk.clone();
        cut.put(path, content.slice(0, at));
        await assert.rejects(open(subject, cut), CORRUPT);
      }
      disk.names.delete(path);
      await assert.rejects(open(subject, disk), CORRUPT);
    },
  },
  {
    name: "compaction lets go of what the durable snapshot covers, and of nothing else",
    async run(subject) {
      const { disk, log } = await long(subject, 60);
      const before = pathsOf(disk, ".wal").length;
      const expected = await open(subject, disk.clone());
      assert.equal(expected.entries[0]?.index, 61);
      assert.equal(await log.compact(), before - pathsOf(disk, ".wal").length);
      assert.ok(pathsOf(disk, ".wal").length <= before - 2);
      assert.equal(log.stats().segments, pathsOf(disk, ".wal").length);
      const found = await open(
        subject,
        disk.afterCrash(() => true),
      );
      assert.deepEqual(found.entries, expected.entries);
      assert.deepEqual(found.snapshot, snapshotAt(60, 1));
      await log.saveSnapshot(snapshotAt(100, 1));
      await log.compact();
      assert.equal(pathsOf(disk, ".wal").length, 1);
      assert.equal(pathsOf(disk, ".snapshot").length, 1);
      await log.append([entry(101, 2)]);
      const last = await open(
        subject,
        disk.afterCrash(() => false),
      );
      assert.deepEqual(last.entries, [entry(101, 2)]);
    },
  },
  {
    name: "without a snapshot, compaction lets go of nothing",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      for (let at = 1; at <= 100; at++) await log.append([entry(at, 1, bytes(at, 150))]);
      assert.equal(await log.compact(), 0);
      assert.equal((await open(subject, disk.clone())).entries.length, 100);
    },
  },
  {
    name: "a segment whose entries were all overwritten in later ones goes with the snapshot",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      for (let at = 1; at <= 60; at++) await log.append([entry(at, 1, bytes(at, 150))]);
      await log.append([entry(10, 2)], { term: 2, vote: 0, commit: 9 });
      await log.saveSnapshot(snapshotAt(9, 1));
      await log.compact();
      assert.equal(pathsOf(disk, ".wal").length, 1);
      const found = await open(
        subject,
        disk.afterCrash(() => false),
      );
      assert.deepEqual(found.entries, [entry(10, 2)]);
      assert.deepEqual(found.hardState, { term: 2, vote: 0, commit: 9 });
    },
  },
  {
    name: "a gap that compaction left is passed over; a missing segment that is needed is refused",
    async run(subject) {
      const { disk, log } = await long(subject, 60);
      await log.close();
      const paths = pathsOf(disk, ".wal");
      for (const [at, path] of paths.slice(0, -1).entries()) {
        const holed = disk.clone();
        holed.names.delete(path);
        const first = await firstEntryOf(subject, disk, paths.slice(at + 1));
        if (first > 61) {
          await assert.rejects(open(subject, holed), CORRUPT, `without ${path}`);
          continue;
        }
        const { entries: found } = await open(subject, holed);
        assert.deepEqual(
          found.map(({ index }) => index),
          [...Array(40)].map((_, i) => 61 + i),
        );
        assert.ok(!pathsOf(holed, ".wal").some((each) => each <= path), "the rest is removed");
      }
    },
  },
  {
    name: "a snapshot without any log is refused: it would be taken for a new member's",
    async run(subject) {
      const { disk, log } = await long(subject, 60);
      await log.close();
      const orphan = disk.clone();
      for (const path of pathsOf(disk, ".wal")) orphan.names.delete(path);
      await assert.rejects(open(subject, orphan), CORRUPT);
    },
  },
];

// The first entry that the log would have if it began with those segments.
async function firstEntryOf(subject: Subject, disk: Disk, paths: readonly string[]) {
  const head = disk.clone();
  for (const path of pathsOf(disk, ".wal")) if (!paths.includes(path)) head.names.delete(path);
  head.names.delete(`${FOLDER}/spare.tmp`);
  try {
    return (await open(subject, head)).entries[0]?.index ?? 0;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
