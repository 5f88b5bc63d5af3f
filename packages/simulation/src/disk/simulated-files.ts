// The disk as one process sees it: the promises of runtime's Files, kept to the letter, and nothing
// kept that is not promised.

import {
  checkBytes,
  checkFolder,
  checkPath,
  type Files,
  type OpenFile,
  type OpenOptions,
  type RuntimeError,
  type SyncPlace,
} from "@compendium/runtime";
import type { Process } from "../process.ts";
import type { TimeSource } from "../simulated-clock.ts";
import { FileImage, type PendingChange } from "./file-image.ts";
import { FolderNode, fault } from "./name-tree.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";

/** What files need of the world around them. */
export interface FilesHost {
  readonly time: TimeSource;
  readonly process: Process;
  readonly disk: SimulatedDisk;
  /** Says that an operation has ended. */
  readonly onOperation: (operation: string, bytes: number) => void;
}

type Kind = "read" | "write" | "sync";

/** An operation of the disk: `begin` when it is asked for, `end` when its time has passed. */
interface Operation<B, T> {
  readonly name: string;
  readonly kind: Kind;
  readonly bytes?: number;
  readonly begin?: () => B;
  readonly end: (begun: B) => T;
}

function perform<B, T>(host: FilesHost, operation: Operation<B, T>): Promise<T> {
  const { time, process, disk } = host;
  return new Promise((resolve, reject) => {
    const effect = process.begin(operation.name);
    if (effect === undefined) return;
    const begun = operation.begin?.() as B;
    time.schedule(time.nowUs + disk.latencyUs(operation.kind), process, () => {
      host.onOperation(operation.name, operation.bytes ?? 0);
      let result: T;
      try {
        result = operation.end(begun);
      } catch (error) {
        if (effect.happened()) reject(error);
        return;
      }
      if (effect.happened()) resolve(result);
    });
    effect.issued();
  });
}

/** A process's access to its disk. */
export class SimulatedFiles implements Files {
  readonly #host: FilesHost;

  constructor(host: FilesHost) {
    this.#host = host;
  }

  async open(path: string, { create = "never" }: OpenOptions = {}): Promise<OpenFile> {
    checkPath("path", path);
    if (!["never", "ifMissing", "always"].includes(create)) {
      throw new RangeError(`create must be never, ifMissing or always, got ${create}`);
    }
    return await this.#perform("open", "read", () => {
      const { disk } = this.#host;
      disk.names.folder(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
      const found = disk.names.find(path);
      if (found !== undefined && create === "always") throw fault("FILE_EXISTS", `open "${path}"`);
      if (found === undefined && create !== "never") {
        if (disk.full) throw fault("DISK_FULL", `create "${path}"`);
        disk.names.create(path, new FileImage());
      }
      return new SimulatedFile(this.#host, path, disk.names.file(path));
    });
  }

  async list(folder: string): Promise<string[]> {
    checkFolder("folder", folder);
    return await this.#perform("list", "read", () => {
      return [...this.#host.disk.names.folder(folder).names.keys()].sort();
    });
  }

  async makeFolder(folder: string): Promise<void> {
    checkFolder("folder", folder);
    await this.#perform("makeFolder", "write", () => {
      const { names, full } = this.#host.disk;
      const parts = folder.split("/");
      for (let depth = 1; depth <= parts.length; depth++) {
        const path = parts.slice(0, depth).join("/");
        if (names.find(path) === undefined) {
          if (full) throw fault("DISK_FULL", `make "${path}"`);
          names.create(path, new FolderNode());
        } else names.folder(path);
      }
    });
  }

  async rename(from: string, to: string): Promise<void> {
    checkPath("from", from);
    checkPath("to", to);
    await this.#perform("rename", "write", () => this.#host.disk.names.rename(from, to));
  }

  async remove(path: string): Promise<void> {
    checkPath("path", path);
    await this.#perform("remove", "write", () => this.#host.disk.names.remove(path));
  }

  async syncFolder(folder: string): Promise<void> {
    checkFolder("folder", folder);
    const { disk } = this.#host;
    await perform(this.#host, {
      name: "syncFolder",
      kind: "sync",
      begin: () => {
        const found = attempt(() => disk.names.folder(folder));
        return { found, changes: found ? disk.names.changesOf(found) : [] };
      },
      end: ({ found, changes }) => {
        const node = found ?? disk.names.folder(folder);
        if (disk.takeSyncFault()) throw fault("DISK_IO", `sync "${folder}"`, eio());
        disk.names.persist(node, changes);
      },
    });
  }

  #perform<T>(name: string, kind: Kind, end: () => T): Promise<T> {
    return perform(this.#host, { name, kind, end });
  }
}

class SimulatedFile implements OpenFile {
  readonly #host: FilesHost;
  readonly #path: string;
  readonly #image: FileImage;
  readonly #underWay = new Set<Promise<unknown>>();
  #failed: RuntimeError | undefined;
  #closing: Promise<void> | undefined;

  constructor(host: FilesHost, path: string, image: FileImage) {
    this.#host = host;
    this.#path = path;
    this.#image = image;
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    checkBytes("offset", offset);
    return await this.#perform({
      name: "read",
      kind: "read",
      bytes: into.length,
      end: () => this.#image.read(into, offset),
    });
  }

  async write(chunks: Uint8Array | readonly Uint8Array[], offset: number): Promise<void> {
    checkBytes("offset", offset);
    const bytes = joined(chunks);
    await this.#change("write", "write", offset, bytes, (change) => {
      const { disk } = this.#host;
      const room = bytes.length === 0 || disk.take(this.#image, offset + bytes.length);
      if (room && !disk.takeWriteFault()) return;
      this.#image.tear(change, disk.random);
      const what = `write ${bytes.length} bytes to "${this.#path}"`;
      throw room ? fault("DISK_IO", what, eio()) : fault("DISK_FULL", what);
    });
  }

  async sync(): Promise<void> {
    await this.#perform({
      name: "sync",
      kind: "sync",
      begin: () => this.#image.settledChanges(),
      end: (changes) => {
        const { disk } = this.#host;
        if (!disk.takeSyncFault()) return this.#image.persist(changes);
        this.#image.loseSync(changes, disk.random, disk.syncFailureShows());
        this.#failed ??= fault("FILE_SYNC_FAILED", `sync "${this.#path}"`, eio());
        throw this.#failed;
      },
    });
  }

  // In two steps, between which a crash may come: a request that is one to its caller is none to a
  // disk.
  async writeThrough(
    chunks: Uint8Array | readonly Uint8Array[],
    offset: number,
  ): Promise<SyncPlace> {
    await this.write(chunks, offset);
    await this.sync();
    return "apart";
  }

  async size(): Promise<number> {
    return await this.#perform({ name: "size", kind: "read", end: () => this.#image.size });
  }

  async truncate(size: number): Promise<void> {
    checkBytes("size", size);
    await this.#change("truncate", "resize", size, undefined, () => {
      this.#image.allocatedBytes = Math.min(this.#image.allocatedBytes, size);
    });
  }

  async allocate(size: number): Promise<void> {
    checkBytes("size", size);
    await this.#change("allocate", "grow", size, undefined, (change) => {
      const { disk } = this.#host;
      if (disk.take(this.#image, size)) return;
      this.#image.tear(change, disk.random);
      throw fault("DISK_FULL", `allocate ${size} bytes for "${this.#path}"`);
    });
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#underWay).then(() => undefined);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #change(
    name: string,
    kind: PendingChange["kind"],
    offset: number,
    bytes: Uint8Array | undefined,
    check: (change: PendingChange) => void,
  ): Promise<void> {
    return this.#perform({
      name,
      kind: "write",
      bytes: bytes?.length ?? offset,
      begin: () => this.#image.begin(kind, offset, bytes),
      end: (change) => {
        check(change);
        this.#image.settle(change);
      },
    });
  }

  async #perform<B, T>(operation: Operation<B, T>): Promise<T> {
    if (this.#closing !== undefined)
      throw fault("FILE_CLOSED", `${operation.name} "${this.#path}"`);
    if (this.#failed !== undefined) throw this.#failed;
    const result = perform(this.#host, operation);
    this.#underWay.add(result);
    try {
      return await result;
    } finally {
      this.#underWay.delete(result);
    }
  }
}

function joined(chunks: Uint8Array | readonly Uint8Array[]): Uint8Array {
  const all = chunks instanceof Uint8Array ? [chunks] : chunks;
  const bytes = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of all) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function attempt<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch {
    return undefined;
  }
}

function eio(): Error {
  return Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
}
