// A journal in one file, `log-7`. The first record may be a whole document; the others are what
// came after it. When the log has grown much longer than the document, `log-8.new` is written with
// the document alone, synced, and given its name by an atomic rename; then `log-7` goes. Whatever
// the moment of a crash, the log with the highest number is whole.
//
//   file     "CSYN" | version, 4 bytes | record | record | …
//   record   marker, 4 bytes | length, 4 | CRC-32C of length and body, 4 | body
//
// One record is written at a time, and synced before the next. So a crash tears the last one at
// most, and what follows a damaged record must not be a record: then it was no crash, and the log
// is not used. A torn record was never answered for, and is cut off.
//
// Left out: locks. One process has the folder; two are found out when they meet (writers.ts).

import type { Files, OpenFile } from "@compendium/runtime";
import { crc32c } from "@compendium/runtime";
import { CrdtSyncError } from "../errors.ts";
import { wordAt } from "../wire/word.ts";
import type { Journal, Store } from "./store.ts";

const HEADER: Uint8Array = Uint8Array.of(0x43, 0x53, 0x59, 0x4e, 1, 0, 0, 0);
const MARKER = 0x5ac0de5a;
const RECORD_OVERHEAD_BYTES = 12;
const LOG = /^log-(\d{1,9})$/;

/** Journals below a folder. */
export class FileStore implements Store {
  readonly #files: Files;
  readonly #folder: string;

  /** @param folder below the root of `files`; created when needed */
  constructor(files: Files, folder = "documents") {
    this.#files = files;
    this.#folder = folder;
  }

  /** Opens the journal of a document. One at a time for each document. */
  async open(document: string): Promise<Journal> {
    const hex = [...new TextEncoder().encode(document)].map((it) =>
      it.toString(16).padStart(2, "0"),
    );
    const folder = `${this.#folder}/${hex.join("")}`;
    await this.#files.makeFolder(folder);
    // A folder's name is data of the one above it, up to the root.
    const above = folder.split("/").slice(0, -1);
    for (let depth = above.length; depth >= 0; depth--) {
      await this.#files.syncFolder(above.slice(0, depth).join("/"));
    }
    return await FileJournal.open(this.#files, folder);
  }
}

class FileJournal implements Journal {
  readonly found: readonly Uint8Array[];
  readonly #files: Files;
  readonly #folder: string;
  #number: number;
  #file: OpenFile;
  #bytes: number;

  private constructor(files: Files, folder: string, number: number, found: Found) {
    this.#files = files;
    this.#folder = folder;
    this.#number = number;
    this.#file = found.file;
    this.#bytes = found.bytes;
    this.found = found.records;
  }

  static async open(files: Files, folder: string): Promise<FileJournal> {
    const names = await files.list(folder);
    const numbers = names.flatMap((name) => {
      const number = LOG.exec(name)?.[1];
      return number === undefined ? [] : [Number(number)];
    });
    const number = Math.max(0, ...numbers);
    // The name may have survived in the kernel alone, if only the process has died: it must be
    // there for good before another one goes.
    if (numbers.length > 0) await files.syncFolder(folder);
    // What a crash has left behind: logs that were replaced, and those that were not finished.
    for (const name of names) {
      if (name !== `log-${number}`) await files.remove(`${folder}/${name}`);
    }
    if (numbers.length === 0) await create(files, folder, number, []);
    const found = await recover(files, `${folder}/log-${number}`);
    return new FileJournal(files, folder, number, found);
  }

  get bytes(): number {
    return this.#bytes;
  }

  async append(record: Uint8Array): Promise<void> {
    const chunks = encodeRecord(record);
    await this.#file.write(chunks, this.#bytes);
    await this.#file.sync();
    this.#bytes += RECORD_OVERHEAD_BYTES + record.length;
  }

  async replace(record: Uint8Array): Promise<void> {
    const before = `${this.#folder}/log-${this.#number}`;
    await create(this.#files, this.#folder, this.#number + 1, encodeRecord(record));
    const file = await this.#files.open(`${this.#folder}/log-${this.#number + 1}`);
    await this.#file.close();
    this.#file = file;
    this.#number++;
    this.#bytes = HEADER.length + RECORD_OVERHEAD_BYTES + record.length;
    await this.#files.remove(before);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface Found {
  readonly file: OpenFile;
  readonly records: readonly Uint8Array[];
  readonly bytes: number;
}

// Under another name until it is whole: a log that has its name has all of its first record.
async function create(
  files: Files,
  folder: string,
  number: number,
  chunks: readonly Uint8Array[],
): Promise<void> {
  const name = `${folder}/log-${number}`;
  const file = await files.open(`${name}.new`, { create: "ifMissing" });
  await file.truncate(0);
  await file.write([HEADER, ...chunks], 0);
  await file.sync();
  await file.close();
  await files.rename(`${name}.new`, name);
  await files.syncFolder(folder);
}

async function recover(files: Files, path: string): Promise<Found> {
  const file = await files.open(path);
  try {
    return await recordsOf(file, path);
  } catch (error) {
    await file.close(); // Whoever tries again would run out of files.
    throw error;
  }
}

async function recordsOf(file: OpenFile, path: string): Promise<Found> {
  const bytes = new Uint8Array(await file.size());
  await file.read(bytes, 0);
  const records: Uint8Array[] = [];
  let at = checkHeader(bytes, path);
  let last = at;
  for (let end = endOf(bytes, at); end !== undefined; end = endOf(bytes, at)) {
    records.push(bytes.subarray(at + RECORD_OVERHEAD_BYTES, end));
    last = at;
    at = end;
  }
  for (let next = at + 1; next + RECORD_OVERHEAD_BYTES < bytes.length; next++) {
    if (endOf(bytes, next) === undefined) continue;
    const message = `${path}: byte ${at} is damaged, and there is a record at ${next}`;
    throw new CrdtSyncError("SYNC_LOG_CORRUPT", message);
  }
  if (at < bytes.length) await file.truncate(at);
  // What is read from now on may be answered for: it must be as durable as what was synced. The
  // last record may be one whose sync has failed: it is in the cache then, and a sync that succeeds
  // says nothing about it, unless it is written once more. Those before it were synced before it.
  if (last < at) await file.write(bytes.subarray(last, at), last);
  await file.sync();
  return { file, records, bytes: at };
}

function checkHeader(bytes: Uint8Array, path: string): number {
  if (bytes.length < HEADER.length || wordAt(bytes, 0) !== wordAt(HEADER, 0)) {
    throw new CrdtSyncError("SYNC_LOG_CORRUPT", `${path} is no log`);
  }
  if (wordAt(bytes, 4) !== wordAt(HEADER, 4)) {
    throw new CrdtSyncError("SYNC_VERSION", `${path}: version ${wordAt(bytes, 4)} is unknown`);
  }
  return HEADER.length;
}

function encodeRecord(body: Uint8Array): Uint8Array[] {
  const head = new Uint8Array(RECORD_OVERHEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, MARKER, true);
  view.setUint32(4, body.length, true);
  view.setUint32(8, crc32c(body, 0, body.length, crc32c(head, 4, 8)), true);
  return [head, body];
}

// Where the record ends that begins there; undefined when none does.
function endOf(bytes: Uint8Array, at: number): number | undefined {
  if (at + RECORD_OVERHEAD_BYTES > bytes.length || wordAt(bytes, at) !== MARKER) return undefined;
  const length = wordAt(bytes, at + 4) >>> 0;
  const from = at + RECORD_OVERHEAD_BYTES;
  if (from + length > bytes.length) return undefined;
  const head = crc32c(bytes, at + 4, at + 8);
  const isWhole = crc32c(bytes, from, from + length, head) === wordAt(bytes, at + 8) >>> 0;
  return isWhole ? from + length : undefined;
}
