// A disk in memory that breaks every promise that Files does not make: unsynced sectors survive a
// crash or do not, each for itself; so do names whose folder was not synced; a failed sync leaves
// what it should have written readable, and lost (as ext4 does). Every operation is counted, and a
// crash or a fault can be asked for at any of them.
import {
  checkFolder,
  checkPath,
  type Files,
  type OpenFile,
  type OpenOptions,
  RuntimeError,
  type RuntimeErrorCode,
  type SyncPlace,
} from "@compendium/runtime";

const SECTOR = 512;

/** One thing that a disk was asked for. */
export interface Operation {
  readonly kind: string;
  readonly path: string;
  /** Its number, from 1. */
  readonly count: number;
}

interface Inode {
  /** Its present name. */
  path: string;
  /** What programs see. */
  bytes: Uint8Array;
  /** What is on the platter. */
  durable: Uint8Array;
  /** Sectors that the next sync writes. */
  readonly dirty: Set<number>;
}

type Names = Map<string, Inode | "folder">;

interface NameChange {
  readonly folder: string;
  readonly apply: (names: Names) => void;
}

export class Disk implements Files {
  names: Names = new Map([["", "folder"]]);
  #durableNames: Names = new Map([["", "folder"]]);
  #pending: NameChange[] = [];
  /** How much fits on it. */
  capacityBytes: number = Number.POSITIVE_INFINITY;
  count = 0;
  /** The operation at which the world ends: it may have had its effect, and nobody learns. */
  crashAt: number = Number.POSITIVE_INFINITY;
  readonly operations: Operation[] = [];
  /** Names a fault for an operation, if it is to have one. */
  fault: (operation: Operation) => RuntimeErrorCode | undefined = () => undefined;
  /** Where it says that it was waited for. */
  syncPlace: SyncPlace = "apart";
  readonly #crashed = Promise.withResolvers<void>();

  /** Settles when the crash has come. */
  get crashed(): Promise<void> {
    return this.#crashed.promise;
  }

  /** What is found after a crash. `keeps` decides for each sector and name, one after the other. */
  afterCrash(keeps: () => boolean): Disk {
    const disk = new Disk();
    const names = new Map(this.#durableNames);
    for (const { apply } of this.#pending) if (keeps()) apply(names);
    for (const [path, inode] of names) {
      if (!hasParents(names, path)) continue;
      const found = inode === "folder" ? inode : settle(inode, path, keeps);
      disk.names.set(path, found);
      disk.#durableNames.set(path, found);
    }
    return disk;
  }

  /** A disk that holds the same, all of it durable. */
  clone(): Disk {
    const disk = new Disk();
    for (const [path, inode] of this.names) {
      const bytes = inode === "folder" ? undefined : inode.bytes;
      disk.put(path, bytes);
    }
    return disk;
  }

  /** Puts a file in its place, durable; or a folder. */
  put(path: string, bytes: Uint8Array | undefined): void {
    const inode: Inode | "folder" =
      bytes === undefined
        ? "folder"
        : { path, bytes: bytes.slice(), durable: bytes.slice(), dirty: new Set() };
    this.names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  /** What a file holds; changing it changes the file. */
  bytesOf(path: string): Uint8Array {
    return this.inode(path).bytes;
  }

  /** Counts an operation; never settles if the world ends at it. */
  async begin(kind: string, path: string): Promise<void> {
    const operation = { kind, path, count: ++this.count };
    this.operations.push(operation);
    const code = this.fault(operation);
    // In a turn of its own, as from a disk.
    await undefined;
    if (code !== undefined) throw new RuntimeError(code, `${kind} "${path}"`);
  }

  async end(): Promise<void> {
    if (this.count < this.crashAt) return;
    this.#crashed.resolve();
    await new Promise(() => {});
  }

  async open(path: string, { create = "never" }: OpenOptions = {}): Promise<OpenFile> {
    checkPath("path", path);
    await this.begin("open", path);
    const found = this.names.get(path);
    if (found === "folder") throw new RuntimeError("FILE_KIND", path);
    if (found !== undefined && create === "always") throw new RuntimeError("FILE_EXISTS", path);
    if (found === undefined) {
      if (create === "never") throw new RuntimeError("FILE_NOT_FOUND", path);
      const inode = {
        path,
        bytes: new Uint8Array(0),
        durable: new Uint8Array(0),
        dirty: new Set<number>(),
      };
      this.#rename(parent(path), (names) => names.set(path, inode));
    }
    await this.end();
    return new DiskFile(this, this.inode(path));
  }

  async list(folder: string): Promise<string[]> {
    checkFolder("folder", folder);
    await this.begin("list", folder);
    if (this.names.get(folder) !== "folder") throw new RuntimeError("FILE_NOT_FOUND", folder);
    await this.end();
    const paths = [...this.names.keys()].filter((each) => each !== "" && parent(each) === folder);
    return paths.map((each) => each.slice(folder === "" ? 0 : folder.length + 1)).sort();
  }

  async makeFolder(folder: string): Promise<void> {
    checkFolder("folder", folder);
    await this.begin("makeFolder", folder);
    const parts = folder.split("/");
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = parts.slice(0, depth).join("/");
      if (this.names.has(path)) continue;
      this.#rename(parent(path), (names) => names.set(path, "folder"));
    }
    await this.end();
  }

  async rename(from: string, to: string): Promise<void> {
    await this.begin("rename", to);
    const inode = this.inode(from);
    inode.path = to;
    this.#rename(parent(to), (names) => {
      names.delete(from);
      names.set(to, inode);
    });
    await this.end();
  }

  async remove(path: string): Promise<void> {
    await this.begin("remove", path);
    this.inode(path);
    this.#rename(parent(path), (names) => names.delete(path));
    await this.end();
  }

  async syncFolder(folder: string): Promise<void> {
    checkFolder("folder", folder);
    await this.begin("syncFolder", folder);
    if (this.names.get(folder) !== "folder") throw new RuntimeError("FILE_NOT_FOUND", folder);
    await this.end();
    for (const change of this.#pending) {
      if (change.folder === folder) change.apply(this.#durableNames);
    }
    this.#pending = this.#pending.filter((change) => change.folder !== folder);
  }

  inode(path: string): Inode {
    const inode = this.names.get(path);
    if (inode === undefined) throw new RuntimeError("FILE_NOT_FOUND", path);
    if (inode === "folder") throw new RuntimeError("FILE_KIND", path);
    return inode;
  }

  /** Refuses what does not fit. */
  makeRoom(bytes: number): void {
    let used = bytes;
    for (const inode of this.names.values()) used += inode === "folder" ? 0 : inode.bytes.length;
    if (used > this.capacityBytes) throw new RuntimeError("DISK_FULL", "no space");
  }

  #rename(folder: string, apply: (names: Names) => void): void {
    apply(this.names);
    this.#pending.push({ folder, apply });
  }
}

class DiskFile implements OpenFile {
  readonly #disk: Disk;
  readonly #inode: Inode;
  #isClosed = false;
  #hasFailed = false;

  constructor(disk: Disk, inode: Inode) {
    this.#disk = disk;
    this.#inode = inode;
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    await this.#begin("read");
    const found = this.#inode.bytes.subarray(offset, offset + into.length);
    into.set(found);
    return found.length;
  }

  async write(chunks: Uint8Array | readonly Uint8Array[], offset: number): Promise<void> {
    await this.#begin("write");
    let at = offset;
    for (const chunk of [chunks].flat()) {
      this.#resize(Math.max(this.#inode.bytes.length, at + chunk.length));
      this.#inode.bytes.set(chunk, at);
      this.#soil(at, at + chunk.length);
      at += chunk.length;
    }
    await this.#disk.end();
  }

  async sync(): Promise<void> {
    const { dirty, bytes } = this.#inode;
    try {
      await this.#begin("sync");
    } catch (error) {
      // Its pages are marked as clean: no later sync will write them.
      dirty.clear();
      this.#hasFailed = true;
      throw error;
    }
    await this.#disk.end();
    const durable = new Uint8Array(bytes.length);
    durable.set(this.#inode.durable.subarray(0, bytes.length));
    for (const sector of dirty) {
      durable.set(bytes.subarray(sector * SECTOR, (sector + 1) * SECTOR), sector * SECTOR);
    }
    this.#inode.durable = durable;
    dirty.clear();
  }

  async writeThrough(
    chunks: Uint8Array | readonly Uint8Array[],
    offset: number,
  ): Promise<SyncPlace> {
    await this.write(chunks, offset);
    await this.sync();
    return this.#disk.syncPlace;
  }

  async size(): Promise<number> {
    await this.#begin("size");
    return this.#inode.bytes.length;
  }

  async truncate(size: number): Promise<void> {
    await this.#begin("truncate");
    this.#resize(size);
    await this.#disk.end();
  }

  async allocate(size: number): Promise<void> {
    await this.#begin("allocate");
    const from = this.#inode.bytes.length;
    this.#resize(Math.max(size, from));
    this.#soil(from, size);
    await this.#disk.end();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #begin(kind: string): Promise<void> {
    if (this.#isClosed) throw new RuntimeError("FILE_CLOSED", this.#inode.path);
    if (this.#hasFailed) throw new RuntimeError("FILE_SYNC_FAILED", this.#inode.path);
    await this.#disk.begin(kind, this.#inode.path);
  }

  #soil(from: number, to: number): void {
    for (let at = from - (from % SECTOR); at < to; at += SECTOR) this.#inode.dirty.add(at / SECTOR);
  }

  #resize(size: number): void {
    const { bytes } = this.#inode;
    if (size === bytes.length) return;
    if (size > bytes.length) this.#disk.makeRoom(size - bytes.length);
    const resized = new Uint8Array(size);
    resized.set(bytes.subarray(0, size));
    this.#inode.bytes = resized;
  }
}

function settle({ bytes, durable, dirty }: Inode, path: string, keeps: () => boolean): Inode {
  const size = bytes.length === durable.length || keeps() ? bytes.length : durable.length;
  const found = new Uint8Array(size);
  found.set(durable.subarray(0, size));
  for (const sector of dirty) {
    const at = sector * SECTOR;
    if (at < size && keeps()) found.set(bytes.subarray(at, Math.min(at + SECTOR, size)), at);
  }
  return { path, bytes: found, durable: found.slice(), dirty: new Set() };
}

function parent(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function hasParents(names: Names, path: string): boolean {
  if (path === "") return true;
  const above = parent(path);
  return names.get(above) === "folder" && hasParents(names, above);
}
