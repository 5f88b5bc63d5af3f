import assert from "node:assert/strict";
import { Disk, type Operation } from "../disk.ts";
import { bytes, entries, entry, FOLDER, open, SEGMENT_BYTES, snapshotAt } from "../story.ts";
import type { Trap } from "./trap.ts";

// One fault, at the first operation of that kind on such a path.
function failOnce(disk: Disk, kind: string, suffix: string, code: "DISK_IO" | "DISK_FULL"): void {
  let isSpent = false;
  disk.fault = (operation: Operation) => {
    if (isSpent || operation.kind !== kind || !operation.path.endsWith(suffix)) return undefined;
    isSpent = true;
    return code;
  };
}

const FAILED = { name: "WalError", code: "WAL_FAILED" };
const FULL = { name: "WalError", code: "WAL_FULL" };

export const faults: readonly Trap[] = [
  {
    name: "a sync that fails is not tried again: the log refuses everything from then on",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      await log.append(entries(1, 3, 1));
      failOnce(disk, "sync", ".wal", "DISK_IO");
      const [failing, waiting] = [log.append([entry(4, 1)]), log.append([entry(5, 1)])];
      await assert.rejects(failing, FAILED);
      await assert.rejects(waiting, FAILED);
      const before = disk.count;
      await assert.rejects(log.append([entry(4, 1)]), FAILED);
      await assert.rejects(log.append([]), FAILED);
      await assert.rejects(log.saveSnapshot(snapshotAt(9, 1)), FAILED);
      await assert.rejects(log.compact(), FAILED);
      assert.equal(disk.count, before, "the disk is asked again");
      assert.equal(log.stats().hasFailed, true);
      await log.close();
    },
  },
  {
    name: "what a failed sync left readable is written again before it is believed",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      await log.append(entries(1, 3, 1));
      failOnce(disk, "sync", ".wal", "DISK_IO");
      await assert.rejects(log.append([entry(4, 1, bytes(4, 1_500))]), FAILED);
      await log.close();
      // The pages are clean, and hold what never reached the disk.
      const second = await open(subject, disk);
      const found = await open(
        subject,
        disk.afterCrash(() => false),
      );
      assert.deepEqual(found.entries, second.entries);
    },
  },
  {
    name: "every fault of a write, a sync or a name ends the log, and opening it finds a prefix",
    async run(subject) {
      const kinds = ["write", "sync", "rename", "syncFolder", "allocate", "truncate", "open"];
      for (const kind of kinds) {
        for (const suffix of [".wal", ".tmp", "wal"]) {
          const disk = new Disk();
          const { log } = await open(subject, disk);
          failOnce(disk, kind, suffix, "DISK_IO");
          let acknowledged = 0;
          let error: unknown;
          for (let index = 1; index <= 60 && error === undefined; index++) {
            try {
              await log.append([entry(index, 1, bytes(index, 150))]);
              acknowledged = index;
            } catch (reason) {
              error = reason;
            }
          }
          if (error !== undefined) {
            await assert.rejects(
              async () => await log.append([entry(acknowledged + 1, 1)]),
              FAILED,
            );
          }
          await log.close();
          for (const keeps of [true, false]) {
            const found = await open(
              subject,
              disk.afterCrash(() => keeps),
            );
            assert.ok(found.entries.length >= acknowledged, `${kind} ${suffix}`);
            assert.deepEqual(
              found.entries,
              found.entries.map(({ index }) => entry(index, 1, bytes(index, 150))),
            );
          }
        }
      }
    },
  },
  {
    name: "a full disk refuses what needs a new segment; with space again, it goes on without a gap",
    async run(subject) {
      const disk = new Disk();
      disk.capacityBytes = SEGMENT_BYTES + 100;
      const { log } = await open(subject, disk);
      await log.append(entries(1, 20, 1, 100), { term: 1, vote: 1, commit: 0 });
      const [first, second] = [log.append(entries(21, 40, 1, 100)), log.append(entries(41, 42, 1))];
      await assert.rejects(first, FULL);
      await assert.rejects(second, FULL);
      assert.equal(log.stats().hasFailed, false);
      await assert.rejects(log.append(entries(41, 42, 1)), RangeError);
      await log.append([entry(21, 1)], { term: 2, vote: 3, commit: 20 });
      disk.capacityBytes = 8 * SEGMENT_BYTES;
      await log.append(entries(22, 60, 2, 100));
      const found = await open(
        subject,
        disk.afterCrash(() => false),
      );
      const expected = [...entries(1, 20, 1, 100), entry(21, 1), ...entries(22, 60, 2, 100)];
      assert.deepEqual(found.entries, expected);
      assert.deepEqual(found.hardState, { term: 2, vote: 3, commit: 20 });
    },
  },
  {
    name: "a full disk refuses a snapshot, keeps its space free, and the log goes on",
    async run(subject) {
      const disk = new Disk();
      disk.capacityBytes = SEGMENT_BYTES + 1_000;
      const { log } = await open(subject, disk);
      await log.append(entries(1, 9, 1));
      await assert.rejects(log.saveSnapshot(snapshotAt(9, 1, 2_000)), FULL);
      await log.append(entries(10, 12, 1));
      await log.saveSnapshot(snapshotAt(12, 1, 500));
      const { snapshot } = await open(
        subject,
        disk.afterCrash(() => false),
      );
      assert.deepEqual(snapshot, snapshotAt(12, 1, 500));
    },
  },
  {
    name: "a disk that is full when the log is opened says so",
    async run(subject) {
      const disk = new Disk();
      disk.capacityBytes = 1_000;
      await assert.rejects(open(subject, disk), FULL);
      disk.capacityBytes = 10_000;
      const { entries: found } = await open(subject, disk);
      assert.deepEqual(found, []);
    },
  },
  {
    name: "a log without a fault in its way never waits for the space of the next segment",
    async run({ WriteAheadLog }) {
      const disk = new Disk();
      const options = { files: disk, folder: FOLDER, segmentBytes: SEGMENT_BYTES };
      const { log } = await WriteAheadLog.open(options);
      for (let index = 1; index <= 100; index++) await log.append([entry(index, 1, bytes(1, 100))]);
      const made = disk.operations
        .filter(({ kind }) => kind === "allocate")
        .map(({ path }) => path);
      assert.deepEqual(new Set(made.slice(1)), new Set([`${FOLDER}/spare.tmp`]));
    },
  },
];
