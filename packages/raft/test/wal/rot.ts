// A log of 1,000 records in two segments, in which one byte is changed, or a part is lost. What is
// found is the whole log, an exact prefix where a crash could have left one, or nothing.
import assert from "node:assert/strict";
import type { Entry } from "@compendium/raft";
import { Disk } from "./disk.ts";
import { entries, FOLDER, type Subject } from "./story.ts";

const SEGMENT_BYTES = 16 * 1_024;
const RECORDS = 1_000;

/** What opening said: the code of its refusal, or how many entries it found. */
export type Verdict = string | number;

/** A log that is broken and mended, over and over. */
export class RottenLog {
  readonly #subject: Subject;
  readonly #disk: Disk;
  readonly #written: readonly Entry[];
  readonly #segmentBytes: number;
  readonly #lastPath: string;

  private constructor(subject: Subject, disk: Disk, written: Entry[], segmentBytes: number) {
    this.#subject = subject;
    this.#disk = disk;
    this.#written = written;
    this.#segmentBytes = segmentBytes;
    this.#lastPath = this.paths.at(-1) as string;
  }

  /** A log of those batches, each of them synced before the next. */
  static async write(
    subject: Subject,
    batches: readonly (readonly Entry[])[] = thousand(),
    segmentBytes: number = SEGMENT_BYTES,
  ): Promise<RottenLog> {
    const disk = new Disk();
    const { WriteAheadLog } = subject;
    const { log } = await WriteAheadLog.open({ files: disk, folder: FOLDER, segmentBytes });
    for (const batch of batches) await log.append(batch);
    await log.close();
    for (const path of disk.names.keys()) if (path.endsWith(".tmp")) disk.names.delete(path);
    return new RottenLog(subject, disk, batches.flat(), segmentBytes);
  }

  /** The segments, in order. */
  get paths(): string[] {
    return [...this.#disk.names.keys()].filter((path) => path.endsWith(".wal")).sort();
  }

  /** What a segment holds. */
  bytesOf(path: string): Uint8Array {
    return this.#disk.bytesOf(path);
  }

  /** Opens the log with something else in the place of a segment, and mends it. */
  async judge(path: string, broken: Uint8Array): Promise<Verdict> {
    const inode = this.#disk.inode(path);
    const pristine = inode.bytes;
    inode.bytes = broken;
    const verdict = await this.#open();
    inode.bytes = pristine;
    return verdict;
  }

  /** As `judge`, with the bits of `by` changed in one byte. */
  async flip(path: string, at: number, by: number): Promise<Verdict> {
    const { bytes } = this.#disk.inode(path);
    const before = bytes[at] as number;
    bytes[at] = before ^ by;
    const verdict = await this.#open();
    bytes[at] = before;
    return verdict;
  }

  /** As `judge`, with zeros in [from, to). */
  async blank(path: string, from: number, to: number): Promise<Verdict> {
    return await this.judge(path, this.bytesOf(path).slice().fill(0, from, to));
  }

  async #open(): Promise<Verdict> {
    const options = { files: this.#disk, folder: FOLDER, segmentBytes: this.#segmentBytes };
    const { operations } = this.#disk;
    operations.length = 0;
    const last = this.bytesOf(this.#lastPath);
    const before = last.slice();
    try {
      const opened = await this.#subject.WriteAheadLog.open(options);
      // Whoever says that there is something must have it right.
      assertPrefix(opened.entries, this.#written);
      return opened.entries.length;
    } catch (error) {
      const isRefusal = error instanceof Error && error.name === "WalError" && "code" in error;
      if (!isRefusal) throw error;
      const changes = operations.filter(
        ({ kind }) => !["list", "open", "read", "size", "makeFolder"].includes(kind),
      );
      assert.deepEqual(changes, [], "a refusal has changed something");
      return String(error.code);
    } finally {
      // What opening has cut off comes back.
      last.set(before);
    }
  }
}

function thousand(): Entry[][] {
  // The others are the heads of the two segments.
  const list = entries(1, RECORDS - 2, 3, 6);
  const batches: Entry[][] = [];
  for (let at = 0; at < list.length; at += batches.at(-1)?.length ?? 0) {
    batches.push(list.slice(at, at + 1 + (batches.length % 7)));
  }
  return batches;
}

function assertPrefix(found: readonly Entry[], written: readonly Entry[]): void {
  assert.ok(found.length <= written.length, "more entries than were written");
  for (const [at, { index, term, type, data }] of found.entries()) {
    const entry = written[at] as Entry;
    const isSame = index === entry.index && term === entry.term && type === entry.type;
    assert.ok(isSame && Buffer.compare(data, entry.data) === 0, `entry ${entry.index} is altered`);
  }
}
