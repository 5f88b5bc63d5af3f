// A snapshot is a file of its own. It is written beside, under a name that nobody reads, and
// synced; then it is renamed, and the folder is synced. Only then does the log say, by a mark, that
// it is there, and only after that may the log below it go. So a snapshot that the log names is
// whole, or has rotted, and is refused; one that no mark names has never been promised, and is not
// looked at.
//
//   0        4         8             12            16     20
//   | "CSNP" | version | meta length | data length | …    | CRC of all else | meta | data |
//
// The lengths are 4 and 8 bytes; meta is index, term and the members.
//
// Left out: data in pieces. They are one array, here as in the core.
import type { Files } from "@compendium/runtime";
import { crc32c } from "@compendium/runtime";
import { Cursor, numberBytes, putNumber } from "@compendium/runtime/varint";
import type { ConfState } from "../confchange/conf-state.ts";
import type { Snapshot } from "../core/message.ts";
import { corrupt, WalError } from "./errors.ts";

const MAGIC = 0x504e5343; // "CSNP"
const VERSION = 1;
const HEADER_BYTES = 24;
const MEMBERS_MAX = 65_536;
const SUFFIX = ".snapshot";
const NAME = /^[0-9a-f]{14}-[0-9a-f]{14}\.snapshot$/;

/** The name of the file of a snapshot; names sort as their indexes. */
export function snapshotName({ index, term }: { index: number; term: number }): string {
  return `${hex(index)}-${hex(term)}${SUFFIX}`;
}

/** The index of the snapshot in a file of that name; undefined if it is no such name. */
export function snapshotIndex(name: string): number | undefined {
  return NAME.test(name) ? Number.parseInt(name, 16) : undefined;
}

/** 53 bits as 14 digits. */
export function hex(value: number): string {
  return value.toString(16).padStart(14, "0");
}

/** Makes a snapshot durable under its name. */
export async function writeSnapshot(
  files: Files,
  folder: string,
  snapshot: Snapshot,
): Promise<void> {
  const name = snapshotName(snapshot);
  const beside = `${folder}/${name}.tmp`;
  const header = encodeHeader(snapshot);
  const file = await files.open(beside, { create: "ifMissing" });
  try {
    await file.truncate(0);
    await file.write([header, snapshot.data], 0);
    await file.sync();
    await file.close();
  } catch (error) {
    await file.close();
    // A disk that is full needs what it got of this back. That it cannot be removed is not the
    // news.
    await files.remove(beside).catch(() => {});
    throw error;
  }
  await files.rename(beside, `${folder}/${name}`);
  await files.syncFolder(folder);
}

function encodeHeader({ index, term, confState, data }: Snapshot): Uint8Array {
  const lists = memberLists(confState);
  const numbers = [index, term, confState.autoLeave ? 1 : 0];
  for (const list of lists) numbers.push(list.length, ...list);
  const metaBytes = numbers.reduce((sum, value) => sum + numberBytes(value), 0);
  const header = new Uint8Array(HEADER_BYTES + metaBytes);
  const view = new DataView(header.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, metaBytes, true);
  view.setBigUint64(12, BigInt(data.length), true);
  let at = HEADER_BYTES;
  for (const value of numbers) at = putNumber(header, at, value);
  view.setUint32(20, check(header, data, 0), true);
  return header;
}

function memberLists(state: ConfState): readonly (readonly number[])[] {
  return [state.voters, state.votersOutgoing, state.learners, state.learnersNext];
}

// Over everything but the check itself; `at` is where the data begin.
function check(header: Uint8Array, data: Uint8Array, at: number): number {
  const meta = crc32c(header, HEADER_BYTES, header.length, crc32c(header, 0, 20, 0));
  return crc32c(data, at, data.length, meta);
}

/** Reads the snapshot that a mark names, whole, or throws a WalError. */
export async function readSnapshot(
  files: Files,
  folder: string,
  mark: { index: number; term: number },
): Promise<Snapshot> {
  const name = snapshotName(mark);
  const file = await files.open(`${folder}/${name}`);
  const bytes = new Uint8Array(await file.size());
  try {
    await file.read(bytes, 0);
  } finally {
    await file.close();
  }
  return decode(bytes, name, mark);
}

function decode(bytes: Uint8Array, name: string, mark: { index: number; term: number }): Snapshot {
  if (bytes.length < HEADER_BYTES) throw corrupt("it is shorter than its header", name);
  const view = new DataView(bytes.buffer);
  if (view.getUint32(0, true) !== MAGIC) throw corrupt("it is no snapshot", name, 0);
  const version = view.getUint32(4, true);
  const metaEnd = HEADER_BYTES + view.getUint32(8, true);
  const isWhole = BigInt(bytes.length) === BigInt(metaEnd) + view.getBigUint64(12, true);
  if (!isWhole) throw corrupt("its size is not the one it was written with", name);
  const header = bytes.subarray(0, metaEnd);
  if (view.getUint32(20, true) !== check(header, bytes, metaEnd)) {
    throw corrupt("it is not as it was written", name);
  }
  if (version !== VERSION) {
    throw new WalError("WAL_VERSION", `"${name}" has version ${version}`, { segment: name });
  }
  const cursor = new Cursor(bytes, HEADER_BYTES, metaEnd);
  const index = cursor.number();
  const term = cursor.number();
  const autoLeave = cursor.number() === 1;
  const [voters, votersOutgoing, learners, learnersNext] = [
    takeList(cursor),
    takeList(cursor),
    takeList(cursor),
    takeList(cursor),
  ];
  if (!cursor.isDone) throw corrupt("its members make no sense", name);
  if (index !== mark.index || term !== mark.term) throw corrupt("it is another one", name);
  const confState = { voters, votersOutgoing, learners, learnersNext, autoLeave };
  return { index, term, confState, data: bytes.subarray(metaEnd) };
}

function takeList(cursor: Cursor): number[] {
  const length = cursor.number();
  if (length > MEMBERS_MAX) cursor.failed = true;
  const list: number[] = [];
  while (list.length < length && !cursor.failed) list.push(cursor.number());
  return list;
}
