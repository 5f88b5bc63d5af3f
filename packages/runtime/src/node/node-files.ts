// Files on a real disk, by node:fs/promises. What is added to it: short reads and writes are
// continued, error numbers become codes, a handle whose sync has failed is done for, and no path
// leads out of the root.
//
// sync() is fdatasync: it makes data and size durable, and spares the write of the modification
// time. On macOS, Node asks for F_FULLFSYNC in both, because fsync there does not reach the
// platter. writeThrough() is one call on Linux, to a handle with O_DSYNC, which does the same
// within the write: a trip through the thread pool less, each of which waits for the event loop to
// be free; and if it is small and the disk is quick, no trip at all (inline-sync.ts). Elsewhere it
// is the two.
//
// Left out: following symbolic links is left to the operating system, so that a link inside the
// root can lead out of it. Windows cannot sync a folder; its file system journals names by
// itself.

import * as fs from "node:fs/promises";
import * as path from "node:path";
import { RuntimeError, type RuntimeErrorCode } from "../error.ts";
import {
  checkBytes,
  checkFolder,
  checkPath,
  type Files,
  type OpenFile,
  type OpenOptions,
  type SyncPlace,
} from "../files.ts";
import { InlineSync, type InlineSyncStats, skip } from "./inline-sync.ts";

const FLAGS = {
  never: fs.constants.O_RDWR,
  ifMissing: fs.constants.O_RDWR | fs.constants.O_CREAT,
  always: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
};

/** Options of {@link NodeFiles}. */
export interface NodeFilesOptions {
  /**
   * Up to here a disk counts as quick, in milliseconds, 0 to 1000; 1. As long as it is,
   * `writeThrough` of up to 4 KiB holds up the calling thread instead of going through the thread
   * pool: Linux only. 0: never.
   */
  quickSyncMs?: number;
  /** What these are timed by, in milliseconds; the process's monotonic clock. */
  clock?: { now(): number };
}

const QUICK_SYNC_MS_MAX = 1_000;

/** The files below one folder of the machine. Holds nothing open by itself. */
export class NodeFiles implements Files {
  readonly #root: string;
  readonly #inline: InlineSync;

  /**
   * @param root an existing folder, absolute or relative to the current one
   * @throws RangeError when an option is out of range
   */
  constructor(root: string, { quickSyncMs = 1, clock }: NodeFilesOptions = {}) {
    if (typeof root !== "string" || root === "") {
      throw new TypeError(`root must be a path, got ${JSON.stringify(root)}`);
    }
    if (!(quickSyncMs >= 0 && quickSyncMs <= QUICK_SYNC_MS_MAX)) {
      const range = `[0, ${QUICK_SYNC_MS_MAX}]`;
      throw new RangeError(`quickSyncMs must be in ${range}, got ${quickSyncMs}`);
    }
    this.#root = path.resolve(root);
    this.#inline = new InlineSync(quickSyncMs, clock);
  }

  /** What writes on the calling thread have taken, as of now. */
  inlineStats(): InlineSyncStats {
    return this.#inline.stats();
  }

  async open(name: string, { create = "never" }: OpenOptions = {}): Promise<OpenFile> {
    checkPath("path", name);
    const flags = Object.hasOwn(FLAGS, create) ? FLAGS[create] : undefined;
    if (flags === undefined) {
      throw new RangeError(`create must be never, ifMissing or always, got ${String(create)}`);
    }
    const handle = await attempt("open", name, fs.open(this.#at(name), flags));
    return new NodeFile(name, handle, this.#inline);
  }

  async list(folder: string): Promise<string[]> {
    checkFolder("folder", folder);
    const names = await attempt("list", folder, fs.readdir(this.#at(folder)));
    return names.sort();
  }

  async makeFolder(folder: string): Promise<void> {
    checkFolder("folder", folder);
    await attempt("create folder", folder, fs.mkdir(this.#at(folder), { recursive: true }));
  }

  async rename(from: string, to: string): Promise<void> {
    checkPath("from", from);
    checkPath("to", to);
    await attempt("rename", from, fs.rename(this.#at(from), this.#at(to)));
  }

  async remove(name: string): Promise<void> {
    checkPath("path", name);
    await attempt("remove", name, this.#remove(this.#at(name)));
  }

  async #remove(absolute: string): Promise<void> {
    const stat = await fs.lstat(absolute);
    await (stat.isDirectory() ? fs.rmdir(absolute) : fs.unlink(absolute));
  }

  async syncFolder(folder: string): Promise<void> {
    checkFolder("folder", folder);
    if (process.platform === "win32") return;
    await attempt("sync folder", folder, syncFolder(this.#at(folder)));
  }

  #at(name: string): string {
    return path.join(this.#root, name);
  }
}

async function syncFolder(absolute: string): Promise<void> {
  const handle = await fs.open(absolute, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const ZEROS = new Uint8Array(256 * 1_024);

class NodeFile implements OpenFile {
  readonly #name: string;
  readonly #handle: fs.FileHandle;
  readonly #inline: InlineSync;
  readonly #underWay = new Set<Promise<unknown>>();
  // The same file once more, for `writeThrough`; undefined where that cannot be had.
  #through: Promise<fs.FileHandle | undefined> | undefined;
  #closing: Promise<void> | undefined;
  #syncError: RuntimeError | undefined;

  constructor(name: string, handle: fs.FileHandle, inline: InlineSync) {
    this.#name = name;
    this.#handle = handle;
    this.#inline = inline;
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    checkBytes("offset", offset);
    return await this.#run("read", async () => {
      let done = 0;
      while (done < into.length) {
        const length = into.length - done;
        const { bytesRead } = await this.#handle.read(into, done, length, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    });
  }

  async write(chunks: Uint8Array | readonly Uint8Array[], offset: number): Promise<void> {
    checkBytes("offset", offset);
    await this.#run("write", () => writeAll(this.#handle, [chunks].flat(), offset));
  }

  async sync(): Promise<void> {
    try {
      await this.#run("sync", () => this.#handle.datasync());
    } catch (error) {
      throw this.#latched(error);
    }
  }

  async writeThrough(
    chunks: Uint8Array | readonly Uint8Array[],
    offset: number,
  ): Promise<SyncPlace> {
    checkBytes("offset", offset);
    let isPartOfSync = false;
    const writing = this.#run("write", async (): Promise<SyncPlace> => {
      this.#through ??= openThrough(this.#handle);
      const through = await this.#through;
      isPartOfSync = through !== undefined;
      const list = [chunks].flat();
      if (through !== undefined && (await this.#inline.write(through.fd, list, offset))) {
        return "inline";
      }
      await writeAll(through ?? this.#handle, list, offset);
      return "apart";
    });
    let place: SyncPlace;
    try {
      place = await writing;
    } catch (error) {
      const isFull = error instanceof RuntimeError && error.code === "DISK_FULL";
      throw isPartOfSync && !isFull ? this.#latched(error) : error;
    }
    if (!isPartOfSync) await this.sync();
    return place;
  }

  // What a sync that has failed was for may be lost, and a second one would not tell.
  #latched(error: unknown): unknown {
    if (!(error instanceof RuntimeError) || error.code === "FILE_CLOSED") return error;
    this.#syncError ??= new RuntimeError("FILE_SYNC_FAILED", error.message, error.cause);
    return this.#syncError;
  }

  async size(): Promise<number> {
    return (await this.#run("size", () => this.#handle.stat())).size;
  }

  async truncate(size: number): Promise<void> {
    checkBytes("size", size);
    await this.#run("truncate", () => this.#handle.truncate(size));
  }

  async allocate(size: number): Promise<void> {
    checkBytes("size", size);
    await this.#run("allocate", async () => {
      // Node knows no fallocate. Zeros that were written take their space for certain.
      let at = (await this.#handle.stat()).size;
      while (at < size) {
        const zeros = ZEROS.subarray(0, Math.min(ZEROS.length, size - at));
        await writeAll(this.#handle, [zeros], at);
        at += zeros.length;
      }
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // FileHandle.close waits for a system call, not for the next one of a write in several parts.
    await Promise.allSettled(this.#underWay);
    await (await this.#through)?.close();
    await attempt("close", this.#name, this.#handle.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run<T>(verb: string, operation: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) {
      throw new RuntimeError("FILE_CLOSED", `${verb} "${this.#name}": the file is closed`);
    }
    if (this.#syncError !== undefined) throw this.#syncError;
    const running = attempt(verb, this.#name, operation());
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }
}

// By the number of the descriptor, because the file may have another name by now.
async function openThrough({ fd }: fs.FileHandle): Promise<fs.FileHandle | undefined> {
  if (process.platform !== "linux") return undefined;
  const flags = fs.constants.O_RDWR | fs.constants.O_DSYNC;
  return await fs.open(`/proc/self/fd/${fd}`, flags).catch(() => undefined);
}

async function writeAll(
  handle: fs.FileHandle,
  chunks: readonly Uint8Array[],
  offset: number,
): Promise<void> {
  let rest = chunks.filter((chunk) => chunk.length > 0);
  let at = offset;
  while (rest.length > 0) {
    // The kernel takes at most IOV_MAX (1024) chunks, and may take fewer bytes than it was given.
    const { bytesWritten } = await handle.writev(rest.slice(0, 1_024), at);
    at += bytesWritten;
    rest = skip(rest, bytesWritten);
  }
}

const CODE_OF: Record<string, RuntimeErrorCode> = {
  ENOENT: "FILE_NOT_FOUND",
  EEXIST: "FILE_EXISTS",
  EISDIR: "FILE_KIND",
  ENOTDIR: "FILE_KIND",
  ENOTEMPTY: "FILE_KIND",
  ENOSPC: "DISK_FULL",
  EDQUOT: "DISK_FULL",
};

async function attempt<T>(verb: string, name: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (cause) {
    // Arguments that node:fs refuses are misuse, not a fault of the disk.
    if (cause instanceof TypeError || cause instanceof RangeError) throw cause;
    const { code: errno = "", message } = cause as NodeJS.ErrnoException;
    const code = Object.hasOwn(CODE_OF, errno) ? CODE_OF[errno] : undefined;
    throw new RuntimeError(code ?? "DISK_IO", `${verb} "${name}": ${errno || message}`, cause);
  }
}
