// A segment: a file of a fixed size, zeros at first, with a head and then records. It is made under
// another name, its space taken and its head synced, and then renamed; after the folder is synced,
// it is the last segment, and everything before it is final. So no name of a segment ever stands
// for a file without a head or without its space, and a file that is shorter than its head says was
// cut.
import type { Files, OpenFile } from "@compendium/runtime";
import { HEAD, headBytes, putHead, type SegmentHead } from "./codec.ts";
import { type FrameWriter, nextBatch, recordBytes } from "./frame.ts";
import { hex } from "./snapshot-file.ts";

const NAME = /^[0-9a-f]{14}\.wal$/;

/** The segment that is being written, and where. */
export interface Segment {
  readonly sequence: number;
  readonly file: OpenFile;
  readonly bytes: number;
  /** Where the next record goes, its batch, and the chained CRC that it continues. */
  readonly offset: number;
  readonly batch: number;
  readonly crc: number;
}

/** The name of a segment; names sort as their sequences. */
export function segmentName(sequence: number): string {
  return `${hex(sequence)}.wal`;
}

/** The sequence of a segment of that name; undefined if it is no such name. */
export function segmentSequence(name: string): number | undefined {
  return NAME.test(name) ? Number.parseInt(name, 16) : undefined;
}

/** A file of zeros that has its space, under a name that nobody reads. */
export interface Blank {
  readonly file: OpenFile;
  readonly path: string;
  readonly bytes: number;
}

export async function makeBlank(files: Files, path: string, bytes: number): Promise<Blank> {
  const file = await files.open(path, { create: "ifMissing" });
  try {
    await file.truncate(0);
    await file.allocate(bytes);
    await file.sync();
  } catch (error) {
    await file.close();
    // A disk that is full needs what it got of this back. That it cannot be removed is not the
    // news.
    await files.remove(path).catch(() => {});
    throw error;
  }
  return { file, path, bytes };
}

/** Turns a blank file into the last segment. */
export async function beginSegment(
  files: Files,
  folder: string,
  blank: Blank,
  head: SegmentHead,
  writer: FrameWriter,
): Promise<Segment> {
  const { sequence } = head;
  const length = headBytes(head);
  const batch = nextBatch(0);
  writer.begin({ sequence, offset: 0, crc: 0, batch }, recordBytes(length));
  putHead(writer.bytes, writer.open(length), head);
  writer.end(HEAD, true);
  const { written, crc } = writer;
  await blank.file.write(written, 0);
  await blank.file.sync();
  await files.rename(blank.path, `${folder}/${segmentName(sequence)}`);
  await files.syncFolder(folder);
  const offset = written.length;
  return { sequence, file: blank.file, bytes: blank.bytes, offset, batch: nextBatch(batch), crc };
}
