// The promises of the write-ahead log, each a sentence and a program (traps/), and the log on a
// real disk.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as wal from "@compendium/raft/wal";
import { NodeFiles } from "@compendium/runtime/node";
import { expect, onTestFinished, test } from "vitest";
import { Disk } from "./disk.ts";
import { entries, entry, FOLDER, snapshotAt } from "./story.ts";
import { traps } from "./traps/all.ts";

test.each(traps.map((trap) => [trap.name, trap] as const))("%s", { timeout: 120_000 }, (_, trap) =>
  trap.run(wal),
);

test("on a real disk, what was appended, saved and compacted is there again", async () => {
  const root = mkdtempSync(path.join(tmpdir(), "raft-wal-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const options = { files: new NodeFiles(root), folder: "member/wal", segmentBytes: 65_536 };
  {
    const opened = await wal.WriteAheadLog.open(options);
    await using log = opened.log;
    const { hardState, snapshot, wasTorn } = opened;
    expect([hardState.term, opened.entries, snapshot, wasTorn]).toEqual([0, [], undefined, false]);
    for (let at = 1; at <= 2_000; at += 100) await log.append(entries(at, at + 99, 1, 64));
    await log.append([], { term: 2, vote: 3, commit: 2_000 });
    await log.saveSnapshot(snapshotAt(1_990, 1, 100_000));
    expect(await log.compact()).toBeGreaterThan(1);
    await log.append([entry(2_001, 2)]);
    expect(log.stats()).toMatchObject({ hasFailed: false, pendingBytes: 0, entries: 2_001 });
    expect(log.stats().syncMs).toBeGreaterThan(0);
  }
  const { log, ...found } = await wal.WriteAheadLog.open(options);
  await log.close();
  expect(found.entries).toEqual([...entries(1_991, 2_000, 1, 64), entry(2_001, 2)].map(ofLast));
  expect(found.snapshot).toEqual(snapshotAt(1_990, 1, 100_000));
  expect(found.hardState).toEqual({ term: 2, vote: 3, commit: 2_000 });
});

// The last batch of entries was made from 1,901 on.
function ofLast(each: ReturnType<typeof entry>) {
  return each.index > 2_000 ? each : (entries(1_901, 2_000, 1, 64)[each.index - 1_901] as never);
}

test.each([
  [{ folder: "../wal" }, 'folder must be names joined by "/", below the root, got "../wal"'],
  [{ segmentBytes: 100 }, "segmentBytes must be an integer in [4096, 1073741824], got 100"],
  [{ pendingBytesMax: 0 }, "pendingBytesMax must be an integer in [1, "],
  [{ batchBytesMax: 1.5 }, "batchBytesMax must be an integer in [1, 1073741824], got 1.5"],
])("refuses the options %j", async (options, message) => {
  const opening = wal.WriteAheadLog.open({ files: new Disk(), folder: FOLDER, ...options });
  await expect(opening).rejects.toThrow(message);
});
