// What a log finds when it is opened, and what it does before it believes it.
//
// 1. The segments are read in order, each against the chained CRC of the one before. Rot is refused
//    before anything is changed.
// 2. The last segment is written back as it was read, with zeros for what a torn write left, and is
//    synced. Reading a record does not mean that it is on the disk: it may be in a cache that
//    outlived its process, or that outlived a failed sync with its pages marked as clean (Rebello
//    et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). Whoever answers for
//    such a record without writing it again can lose it with the power.
// 3. What no one needs is removed: files under temporary names, and segments that an interrupted
//    compaction has left in front of a gap.
//
// Not noticed: a last segment that is gone with its name, and a last batch all of whose sectors are
// gone. Both look as if the writes had never been.
import type { Files, OpenFile } from "@compendium/runtime";
import type { Entry } from "../core/entry.ts";
import type { HardState, Snapshot } from "../core/message.ts";
import { HEAD } from "./codec.ts";
import { corrupt, WalError } from "./errors.ts";
import type { FrameWriter } from "./frame.ts";
import { NO_MARK, Replay } from "./replay.ts";
import { type ScanEnd, scanSegment } from "./scan.ts";
import { beginSegment, makeBlank, type Segment, segmentName, segmentSequence } from "./segment.ts";
import { readSnapshot, snapshotIndex } from "./snapshot-file.ts";

/** What was durable when the log was opened. */
export interface Recovered {
  /** Term, vote and commit index; the commit index is at most the last entry. */
  readonly hardState: HardState;
  /** The entries behind the snapshot. Their data are views of what was read. */
  readonly entries: Entry[];
  /** The newest snapshot, if there is one. */
  readonly snapshot: Snapshot | undefined;
  /** Whether a torn write, which nobody had been told was durable, was cut off. */
  readonly wasTorn: boolean;
}

/** The open log, and what was in it. */
export interface Recovery {
  readonly recovered: Recovered;
  readonly replay: Replay;
  readonly segment: Segment;
  /** The segments before the last one, oldest first. */
  readonly olderSegments: number[];
}

export async function recover(
  files: Files,
  folder: string,
  segmentBytes: number,
  writer: FrameWriter,
): Promise<Recovery> {
  await files.makeFolder(folder);
  const names = await files.list(folder);
  const sequences = names.flatMap((name) => segmentSequence(name) ?? []);
  if (sequences.length === 0) {
    const orphan = names.find((name) => snapshotIndex(name) !== undefined);
    if (orphan !== undefined) throw corrupt("a snapshot without a log", orphan);
    return await create(files, folder, segmentBytes, writer);
  }
  const run = lastRun(sequences);
  const replay = new Replay();
  let previous: ScanEnd | undefined;
  for (const sequence of run.slice(0, -1)) {
    const name = segmentName(sequence);
    const file = await files.open(`${folder}/${name}`);
    try {
      const bytes = await contents(file);
      previous = readSegment(bytes, { name, sequence, isLast: false }, replay, previous);
    } finally {
      await file.close();
    }
  }
  const sequence = run.at(-1) as number;
  const name = segmentName(sequence);
  const file = await files.open(`${folder}/${name}`);
  try {
    const bytes = await contents(file);
    const end = readSegment(bytes, { name, sequence, isLast: true }, replay, previous);
    const entries = replay.entries();
    if (entries === undefined) throw corrupt("the log before it is missing", name);
    const { index } = replay.mark;
    const snapshot = index === 0 ? undefined : await namedSnapshot(files, folder, replay);
    await writeBack(file, bytes, end);
    const unneeded = names.filter((each) => each.endsWith(".tmp"));
    unneeded.push(...sequences.slice(0, -run.length).map(segmentName));
    for (const each of unneeded) await files.remove(`${folder}/${each}`);
    await files.syncFolder(folder);
    const { offset, batch, crc, litterEnd } = end;
    const segment = { sequence, file, bytes: bytes.length, offset, batch, crc };
    const hardState = replay.recoveredHardState();
    const recovered = { hardState, entries, snapshot, wasTorn: litterEnd > offset };
    return { recovered, replay, segment, olderSegments: run.slice(0, -1) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function create(
  files: Files,
  folder: string,
  segmentBytes: number,
  writer: FrameWriter,
): Promise<Recovery> {
  const replay = new Replay();
  // The folder's own name, and those above it, are to survive as well.
  const parents = folder.split("/").map((_, depth, parts) => parts.slice(0, depth).join("/"));
  for (const parent of parents) await files.syncFolder(parent);
  const { hardState } = replay;
  const past = { previousCrc: 0, hardState, mark: NO_MARK, lastIndex: 0, lastTerm: 0 };
  const blank = await makeBlank(files, `${folder}/segment.tmp`, segmentBytes);
  try {
    const head = { sequence: 1, bytes: segmentBytes, ...past };
    const segment = await beginSegment(files, folder, blank, head, writer);
    const recovered = { hardState, entries: [], snapshot: undefined, wasTorn: false };
    return { recovered, replay, segment, olderSegments: [] };
  } catch (error) {
    await blank.file.close();
    throw error;
  }
}

/** The sequences without a gap at the end. What lies before a gap was being removed. */
function lastRun(sequences: readonly number[]): number[] {
  let from = sequences.length - 1;
  while (from > 0 && sequences[from - 1] === (sequences[from] as number) - 1) from--;
  return sequences.slice(from);
}

async function contents(file: OpenFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(await file.size());
  await file.read(bytes, 0);
  return bytes;
}

function readSegment(
  bytes: Uint8Array,
  place: { name: string; sequence: number; isLast: boolean },
  replay: Replay,
  previous: ScanEnd | undefined,
): ScanEnd {
  const { name, sequence } = place;
  replay.begin();
  let end: ScanEnd;
  try {
    end = scanSegment(bytes, place, (type, from, start, to) => {
      if (!replay.take(type, from, start, to)) return false;
      const { head } = replay;
      if (type !== HEAD || head === undefined) return true;
      if (head.bytes !== bytes.length) {
        throw corrupt(`it has ${bytes.length} bytes, and was made with ${head.bytes}`, name);
      }
      return head.sequence === sequence && head.previousCrc === (previous?.crc ?? head.previousCrc);
    });
  } catch (error) {
    const version = replay.foreignVersion;
    if (version === undefined) throw error;
    throw new WalError("WAL_VERSION", `"${name}" has version ${version}`, { segment: name });
  }
  if (replay.head === undefined) throw corrupt("it has no head", name, 0);
  return end;
}

async function namedSnapshot(files: Files, folder: string, { mark }: Replay): Promise<Snapshot> {
  try {
    return await readSnapshot(files, folder, mark);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "FILE_NOT_FOUND";
    if (!isMissing) throw error;
    throw corrupt(`the snapshot at ${mark.index}, which the log names, is missing`, folder);
  }
}

async function writeBack(file: OpenFile, bytes: Uint8Array, { offset, litterEnd }: ScanEnd) {
  bytes.fill(0, offset, litterEnd);
  await file.write(bytes.subarray(0, Math.max(offset, litterEnd)), 0);
  await file.sync();
}
