// What a write-ahead log asks of a disk, and what it must not assume. The interface is small
// because a simulated disk has to keep every promise below, and may break everything that is not
// promised:
//
// - A write that has settled is visible to reads. It survives a crash only once a `sync` that was
//   called after it has settled. Until then a crash may keep all of it, none of it, or any of its
//   512-byte sectors: the last record of a log can be torn in the middle.
// - A name is data of its folder. A created, renamed or removed name survives a crash only once
//   `syncFolder` of the folder (for a rename, of both) has settled. `rename` is atomic: a crash
//   leaves the old or the new, never neither.
// - When a sync fails, the unsynced writes are lost or not, and nobody can say which; a second sync
//   that succeeds says nothing about them (A. Rebello et al., "Can Applications Recover from fsync
//   Failures?", USENIX ATC 2020). So a handle whose sync has failed refuses everything but `close`.
//   Who wants to go on opens the file again and reads what is there.
//
// Left out: locks, permissions, times, links, memory maps, and cancellation: an operation of a disk
// cannot be taken back, only waited for.

/** A file system below one folder. Nothing outside of it can be named. */
export interface Files {
  /**
   * Opens a file for reading and writing.
   *
   * @throws RuntimeError `FILE_NOT_FOUND`, `FILE_EXISTS`, `FILE_KIND`, `DISK_FULL`, `DISK_IO`
   */
  open(path: string, options?: OpenOptions): Promise<OpenFile>;

  /**
   * The names in a folder, sorted by code unit. "" is the root.
   *
   * @throws RuntimeError
   */
  list(folder: string): Promise<string[]>;

  /**
   * Creates a folder and those above it; does nothing where it exists.
   *
   * @throws RuntimeError
   */
  makeFolder(folder: string): Promise<void>;

  /**
   * Gives a file another name, atomically replacing a file of that name. Durable after
   * `syncFolder`.
   *
   * @throws RuntimeError `FILE_NOT_FOUND`, `FILE_KIND`, `DISK_FULL`, `DISK_IO`
   */
  rename(from: string, to: string): Promise<void>;

  /**
   * Removes a file or an empty folder. Durable after `syncFolder`. Handles that are open keep
   * working.
   *
   * @throws RuntimeError `FILE_NOT_FOUND`, `FILE_KIND` for a folder that is not empty, `DISK_IO`
   */
  remove(path: string): Promise<void>;

  /**
   * Makes the names in a folder durable.
   *
   * @throws RuntimeError
   */
  syncFolder(folder: string): Promise<void>;
}

/** How a file is opened. */
export interface OpenOptions {
  /**
   * `never`: it must exist (the default). `ifMissing`: it is created, empty, where it does not.
   * `always`: it must not exist.
   */
  create?: "never" | "ifMissing" | "always";
}

/** Where it was waited for the disk: on the calling thread, or elsewhere. */
export type SyncPlace = "inline" | "apart";

/** An open file. Offsets and sizes are in bytes, integers from 0 to 2^53 - 1. */
export interface OpenFile extends AsyncDisposable {
  /**
   * Fills `into` from `offset` on.
   *
   * @returns how many bytes there were: fewer than asked for only at the end of the file
   */
  read(into: Uint8Array, offset: number): Promise<number>;

  /**
   * Writes all chunks, one behind the other, from `offset` on; what lies between the end of the
   * file and `offset` becomes zeros. The chunks must not change until the promise settles. Where
   * it rejects, any part may have been written. Writes that overlap must not run at the same
   * time.
   */
  write(chunks: Uint8Array | readonly Uint8Array[], offset: number): Promise<void>;

  /** Makes every write that has settled by now durable, and the size with it. */
  sync(): Promise<void>;

  /**
   * `write` and `sync` as one request, which costs less than two: settled, what it has written is
   * durable. Of other writes it says nothing. It rejects as either of them does.
   *
   * @returns whether the calling thread was held up for it
   */
  writeThrough(chunks: Uint8Array | readonly Uint8Array[], offset: number): Promise<SyncPlace>;

  /** The current size. */
  size(): Promise<number>;

  /** Cuts the file to `size`, or extends it with zeros for which no space is taken yet. */
  truncate(size: number): Promise<void>;

  /**
   * Extends the file with zeros to `size`, and takes the space for them now, so that writing there
   * later neither fails for lack of space nor changes the size: a `sync` then has less to do. Never
   * shrinks. On file systems that copy on write the space is advice.
   */
  allocate(size: number): Promise<void>;

  /** Waits for what is under way and closes; later operations reject with `FILE_CLOSED`. */
  close(): Promise<void>;
}

const PATH_LENGTH_MAX = 1_024;

/**
 * Refuses what is no path in the sense of {@link Files}: names joined by "/", relative to the
 * root, without empty names, "." or "..", backslashes, colons or control characters. The same
 * paths are then valid on every platform, and none leads out of the root. Every implementation
 * calls it first.
 *
 * @throws RangeError when `path` is none, or longer than 1024
 */
export function checkPath(name: string, path: string): void {
  const valid =
    typeof path === "string" &&
    path.length <= PATH_LENGTH_MAX &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== ".." && isName(part));
  if (valid) return;
  throw new RangeError(
    `${name} must be names joined by "/", below the root, got ${JSON.stringify(path)}`,
  );
}

/**
 * As {@link checkPath}, but "" is the root.
 *
 * @throws RangeError
 */
export function checkFolder(name: string, folder: string): void {
  if (folder !== "") checkPath(name, folder);
}

/**
 * Refuses what is no offset or size.
 *
 * @throws RangeError
 */
export function checkBytes(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new RangeError(`${name} must be an integer in [0, 2^53), got ${String(value)}`);
}

function isName(part: string): boolean {
  // A NUL ends a path early in C; a backslash separates and a colon names a drive on Windows.
  return !/[\\:]/.test(part) && ![...part].some((character) => character < " ");
}
