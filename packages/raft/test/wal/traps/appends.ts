import assert from "node:assert/strict";
import type { Entry } from "@compendium/raft";
import { Disk } from "../disk.ts";
import { bytes, entries, entry, FOLDER, open, SEGMENT_BYTES, snapshotAt } from "../story.ts";
import type { Trap } from "./trap.ts";

// Whether a promise has settled by the time that everything else which could go on has.
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => true,
  );
  const later = new Promise<boolean>((resolve) => setImmediate(() => resolve(false)));
  return await Promise.race([settled, later]);
}

// Holds the next sync of a segment until it is let go.
function holdSync(disk: Disk): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  const begin = disk.begin.bind(disk);
  let isHeld = false;
  disk.begin = async (kind, path) => {
    await begin(kind, path);
    if (kind !== "sync" || isHeld) return;
    isHeld = true;
    await promise;
  };
  return resolve;
}

const syncs = (disk: Disk) => disk.operations.filter(({ kind }) => kind === "sync").length;

export const appends: readonly Trap[] = [
  {
    name: "group commit: what is appended in one turn, or during a sync, shares one sync",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      const before = syncs(disk);
      const release = holdSync(disk);
      const done: Promise<void>[] = [];
      for (let index = 1; index <= 20; index++) done.push(log.append([entry(index, 1)]));
      await isSettled(Promise.all(done));
      for (let index = 21; index <= 40; index++) done.push(log.append([entry(index, 1)]));
      release();
      await Promise.all(done);
      assert.equal(syncs(disk) - before, 2);
      assert.equal(log.stats().batches, 2);
      assert.equal(log.stats().entries, 40);
    },
  },
  {
    name: "an append resolves when its sync has settled, and not before",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      const release = holdSync(disk);
      const appended = log.append([entry(1, 1)], { term: 1, vote: 1, commit: 0 });
      assert.equal(await isSettled(appended), false);
      release();
      await appended;
      const found = await open(
        subject,
        disk.afterCrash(() => false),
      );
      assert.deepEqual(found.entries, [entry(1, 1)]);
      assert.deepEqual(found.hardState, { term: 1, vote: 1, commit: 0 });
    },
  },
  {
    name: "an append without news waits for those before it: the core's promises rest on all of them",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      await log.append([entry(1, 1)], { term: 1, vote: 0, commit: 0 });
      const release = holdSync(disk);
      const first = log.append([entry(2, 1)]);
      const empty = log.append([]);
      const commit = log.append([], { term: 1, vote: 0, commit: 1 });
      assert.equal(await isSettled(empty), false);
      assert.equal(await isSettled(commit), false);
      release();
      await Promise.all([first, empty, commit]);
    },
  },
  {
    name: "a commit index alone is not synced, goes with the next entries, and before them",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      await log.append(entries(1, 3, 1), { term: 1, vote: 0, commit: 0 });
      const before = disk.count;
      await log.append([], { term: 1, vote: 0, commit: 3 });
      assert.equal(disk.count, before);
      await log.append([entry(4, 1)]);
      const found = await open(
        subject,
        disk.afterCrash(() => false),
      );
      assert.equal(found.hardState.commit, 3);
      await log.append([], { term: 1, vote: 0, commit: 4 });
      await log.close();
      assert.equal(
        (
          await open(
            subject,
            disk.afterCrash(() => false),
          )
        ).hardState.commit,
        4,
      );
    },
  },
  {
    name: "a later entry supersedes the one with its index, and all that followed it",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      await log.append(entries(1, 9, 1));
      await log.append(entries(4, 5, 2));
      await log.append([entry(6, 3)]);
      const found = await open(subject, disk.clone());
      const expected: Entry[] = [...entries(1, 3, 1), ...entries(4, 5, 2), entry(6, 3)];
      assert.deepEqual(found.entries, expected);
    },
  },
  {
    name: "an append that is larger than a segment gets a larger segment",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      const large = [entry(1, 1), entry(2, 1, bytes(5, 3 * SEGMENT_BYTES)), entry(3, 1)];
      await log.append(large);
      await log.append([entry(4, 1, new Uint8Array(SEGMENT_BYTES))]);
      const found = await open(
        subject,
        disk.afterCrash(() => false),
      );
      assert.deepEqual(found.entries, [...large, entry(4, 1, new Uint8Array(SEGMENT_BYTES))]);
    },
  },
  {
    name: "what a replay would refuse is refused when it is asked for, and changes nothing",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      await log.append(entries(1, 5, 3), { term: 3, vote: 2, commit: 0 });
      await log.saveSnapshot(snapshotAt(2, 3));
      const before = disk.count;
      const refused: [Entry[], Parameters<typeof log.append>[1]?][] = [
        [[entry(7, 3)]], // a gap
        [[entry(6, 2)]], // a falling term
        [[entry(4, 2)]],
        [[entry(2, 4)]], // below the snapshot
        [[entry(6, 3), entry(8, 3)]],
        [[entry(6, 4), entry(7, 3)]],
        [[entry(6, 0)]],
        [[entry(6, 3, new Uint8Array(2 ** 24 + 1))]],
        [[], { term: 2, vote: 2, commit: 0 }], // a falling term
        [[], { term: 3, vote: 1, commit: 0 }], // a second vote
        [[], { term: 3, vote: 0, commit: 0 }],
        [[], { term: 3.5, vote: 0, commit: 0 }],
      ];
      for (const [list, hardState] of refused) {
        await assert.rejects(log.append(list, hardState), RangeError);
      }
      await assert.rejects(log.saveSnapshot({ ...snapshotAt(9, 3), index: 0 }), RangeError);
      assert.equal(disk.count, before);
      await log.append([entry(6, 3)], { term: 4, vote: 1, commit: 6 });
      const { entries: found, hardState } = await open(subject, disk.clone());
      assert.deepEqual(
        found.map(({ index }) => index),
        [3, 4, 5, 6],
      );
      assert.deepEqual(hardState, { term: 4, vote: 1, commit: 6 });
    },
  },
  {
    name: "close writes what waits, and everything later is refused",
    async run(subject) {
      const disk = new Disk();
      const { log } = await open(subject, disk);
      const waiting = log.append([entry(1, 1)]);
      const saving = log.saveSnapshot(snapshotAt(9, 2));
      await log.close();
      await Promise.all([waiting, saving]);
      await assert.rejects(log.append([entry(10, 2)]), { code: "WAL_CLOSED" });
      await assert.rejects(log.saveSnapshot(snapshotAt(11, 2)), { code: "WAL_CLOSED" });
      await assert.rejects(log.compact(), { code: "WAL_CLOSED" });
      await log[Symbol.asyncDispose]();
      const found = await open(
        subject,
        disk.afterCrash(() => false),
      );
      assert.deepEqual(found.snapshot, snapshotAt(9, 2));
    },
  },
  {
    name: "more than pendingBytesMax does not wait for the disk: it is refused, and counted",
    async run({ WriteAheadLog }) {
      const disk = new Disk();
      const options = { files: disk, folder: FOLDER, segmentBytes: SEGMENT_BYTES };
      const { log } = await WriteAheadLog.open({ ...options, pendingBytesMax: 100 });
      const release = holdSync(disk);
      const first = log.append([entry(1, 1)]);
      await isSettled(first);
      const second = log.append(entries(2, 4, 1));
      await assert.rejects(log.append([entry(5, 1)]), { code: "WAL_BACKLOG" });
      assert.equal(log.stats().refusedBacklog, 1);
      release();
      await Promise.all([first, second]);
      await log.append([entry(5, 1)]);
      assert.equal(log.stats().pendingBytes, 0);
    },
  },
];
