// Files in memory, as small as the contract allows: it shows that the interface asks for nothing
// that only a kernel can do, and gives the contract a second implementation to agree with.

import {
  checkBytes,
  checkFolder,
  checkPath,
  type Files,
  type OpenFile,
  type OpenOptions,
  RuntimeError,
  type SyncPlace,
} from "@compendium/runtime";

interface Content {
  bytes: Uint8Array;
}

export class MemoryFiles implements Files {
  // A folder is an entry without content; the root is always there.
  readonly #entries = new Map<string, Content | undefined>([["", undefined]]);

  async open(path: string, { create = "never" }: OpenOptions = {}): Promise<OpenFile> {
    checkPath("path", path);
    if (!["never", "ifMissing", "always"].includes(create)) {
      throw new RangeError(`create must be never, ifMissing or always, got ${create}`);
    }
    this.#checkParent(path);
    if (create === "always" && this.#entries.has(path)) throw fault("FILE_EXISTS", path);
    if (create !== "never" && !this.#entries.has(path)) {
      this.#entries.set(path, { bytes: new Uint8Array(0) });
    }
    return new MemoryFile(this.#file(path));
  }

  async list(folder: string): Promise<string[]> {
    checkFolder("folder", folder);
    this.#checkFolder(folder);
    return this.#children(folder).sort();
  }

  async makeFolder(folder: string): Promise<void> {
    checkFolder("folder", folder);
    const parts = folder.split("/");
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = parts.slice(0, depth).join("/");
      if (this.#entries.has(path)) this.#checkFolder(path);
      else this.#entries.set(path, undefined);
    }
  }

  async rename(from: string, to: string): Promise<void> {
    checkPath("from", from);
    checkPath("to", to);
    const content = this.#file(from);
    this.#checkParent(to);
    this.#entries.delete(from);
    this.#entries.set(to, content);
  }

  async remove(path: string): Promise<void> {
    checkPath("path", path);
    if (!this.#entries.has(path)) throw fault("FILE_NOT_FOUND", path);
    if (this.#children(path).length > 0) throw fault("FILE_KIND", path);
    this.#entries.delete(path);
  }

  async syncFolder(folder: string): Promise<void> {
    checkFolder("folder", folder);
    this.#checkFolder(folder);
  }

  #children(folder: string): string[] {
    const prefix = folder === "" ? "" : `${folder}/`;
    return [...this.#entries.keys()]
      .filter((path) => path !== "" && path.startsWith(prefix))
      .map((path) => path.slice(prefix.length))
      .filter((name) => !name.includes("/"));
  }

  #file(path: string): Content {
    if (!this.#entries.has(path)) throw fault("FILE_NOT_FOUND", path);
    const content = this.#entries.get(path);
    if (content === undefined) throw fault("FILE_KIND", path);
    return content;
  }

  #checkParent(path: string): void {
    this.#checkFolder(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
  }

  #checkFolder(path: string): void {
    if (!this.#entries.has(path)) throw fault("FILE_NOT_FOUND", path);
    if (this.#entries.get(path) !== undefined) throw fault("FILE_KIND", path);
  }
}

class MemoryFile implements OpenFile {
  readonly #content: Content;
  #closed = false;

  constructor(content: Content) {
    this.#content = content;
  }

  async read(into: Uint8Array, offset: number): Promise<number> {
    checkBytes("offset", offset);
    this.#checkOpen();
    const found = this.#content.bytes.subarray(offset, offset + into.length);
    into.set(found);
    return found.length;
  }

  async write(chunks: Uint8Array | readonly Uint8Array[], offset: number): Promise<void> {
    checkBytes("offset", offset);
    this.#checkOpen();
    let at = offset;
    const all = [chunks].flat();
    this.#resize((size) =>
      Math.max(size, offset + all.reduce((sum, { length }) => sum + length, 0)),
    );
    for (const chunk of all) {
      this.#content.bytes.set(chunk, at);
      at += chunk.length;
    }
  }

  async sync(): Promise<void> {
    this.#checkOpen();
  }

  async writeThrough(
    chunks: Uint8Array | readonly Uint8Array[],
    offset: number,
  ): Promise<SyncPlace> {
    await this.write(chunks, offset);
    await this.sync();
    return "apart";
  }

  async size(): Promise<number> {
    this.#checkOpen();
    return this.#content.bytes.length;
  }

  async truncate(size: number): Promise<void> {
    checkBytes("size", size);
    this.#checkOpen();
    this.#resize(() => size);
  }

  async allocate(size: number): Promise<void> {
    checkBytes("size", size);
    this.#checkOpen();
    this.#resize((current) => Math.max(current, size));
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #resize(to: (size: number) => number): void {
    const { bytes } = this.#content;
    const resized = new Uint8Array(to(bytes.length));
    resized.set(bytes.subarray(0, resized.length));
    this.#content.bytes = resized;
  }

  #checkOpen(): void {
    if (this.#closed) throw fault("FILE_CLOSED", "");
  }
}

function fault(code: ConstructorParameters<typeof RuntimeError>[0], path: string): RuntimeError {
  return new RuntimeError(code, `"${path}": ${code}`);
}
