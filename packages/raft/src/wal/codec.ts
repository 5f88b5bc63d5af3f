// What the records hold, as bytes. Numbers are LEB128: seven bits a byte, least significant first,
// the top bit for "more follows"; a term is one or two bytes, an index three or four.
//
//   entry       kind | term | index | data to the end
//   hard state  term | vote | commit
//   mark        index | term | replaces     a snapshot is durable: see snapshot-file.ts
//   head        "CWAL" | version | …        the first record of a segment: see SegmentHead
//
// Reading trusts nothing: numbers end within the record and below 2^53, kinds are known, nothing is
// left over. What does not fit is `undefined`, and the caller, who knows the place, refuses it.

import { Cursor, numberBytes, putNumber } from "@compendium/runtime/varint";
import type { Entry } from "../core/entry.ts";
import type { HardState } from "../core/message.ts";

/** The types of records. 0 is what no record begins with. */
export const HEAD = 1;
export const ENTRY = 2;
export const HARD_STATE = 3;
export const MARK = 4;

/** A durable snapshot, as the log knows it. */
export interface Mark {
  readonly index: number;
  readonly term: number;
  /** Whether the log ended there, or disagreed: then nothing of what came before follows it. */
  readonly replaces: boolean;
}

/** What is known at the beginning of a segment, so that the ones before it can be let go. */
export interface SegmentHead {
  /** The segment's number, from 1; its file is named by it. */
  readonly sequence: number;
  /** The size of the file. A smaller one is not what was made durable. */
  readonly bytes: number;
  /** The chained check at the end of the segment before it; 0 in the first one. */
  readonly previousCrc: number;
  readonly hardState: HardState;
  readonly mark: Mark;
  /** The last entry before this segment. */
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** The version of everything below; another one is refused. */
export const VERSION = 1;
const MAGIC = 0x4c415743; // "CWAL"
const MAGIC_BYTES = 5; // With the version.

function putWord(into: Uint8Array, at: number, value: number): number {
  for (let byte = 0; byte < 4; byte++) into[at + byte] = value >>> (8 * byte);
  return at + 4;
}

export function entryBytes({ term, index, data }: Entry): number {
  return 1 + numberBytes(term) + numberBytes(index) + data.length;
}

export function putEntry(into: Uint8Array, at: number, { type, term, index, data }: Entry): void {
  into[at] = type === "normal" ? 0 : 1;
  const next = putNumber(into, putNumber(into, at + 1, term), index);
  // A call of `set` costs more than copying what a small command has.
  if (data.length > 64) into.set(data, next);
  else for (let i = 0; i < data.length; i++) into[next + i] = data[i] as number;
}

/** The entry's data stay where they are: they are a view of `bytes`. */
export function readEntry(bytes: Uint8Array, from: number, to: number): Entry | undefined {
  const cursor = new Cursor(bytes, from, to);
  const kind = cursor.byte();
  const term = cursor.number();
  const index = cursor.number();
  if (cursor.failed || kind > 1 || term === 0 || index === 0) return undefined;
  const type = kind === 0 ? "normal" : "conf-change";
  return { term, index, type, data: bytes.subarray(cursor.at, to) };
}

export function hardStateBytes({ term, vote, commit }: HardState): number {
  return numberBytes(term) + numberBytes(vote) + numberBytes(commit);
}

export function putHardState(into: Uint8Array, at: number, state: HardState): number {
  return putNumber(
    into,
    putNumber(into, putNumber(into, at, state.term), state.vote),
    state.commit,
  );
}

export function readHardState(bytes: Uint8Array, from: number, to: number): HardState | undefined {
  const cursor = new Cursor(bytes, from, to);
  const state = takeHardState(cursor);
  return cursor.isDone ? state : undefined;
}

function takeHardState(cursor: Cursor): HardState {
  return { term: cursor.number(), vote: cursor.number(), commit: cursor.number() };
}

export function markBytes({ index, term }: Mark): number {
  return numberBytes(index) + numberBytes(term) + 1;
}

export function putMark(into: Uint8Array, at: number, { index, term, replaces }: Mark): number {
  const next = putNumber(into, putNumber(into, at, index), term);
  into[next] = replaces ? 1 : 0;
  return next + 1;
}

export function readMark(bytes: Uint8Array, from: number, to: number): Mark | undefined {
  const cursor = new Cursor(bytes, from, to);
  const mark = takeMark(cursor);
  return cursor.isDone ? mark : undefined;
}

function takeMark(cursor: Cursor): Mark {
  const index = cursor.number();
  const term = cursor.number();
  const replaces = cursor.byte();
  if (replaces > 1) cursor.failed = true;
  return { index, term, replaces: replaces === 1 };
}

export function headBytes(head: SegmentHead): number {
  const numbers = [head.sequence, head.bytes, head.lastIndex, head.lastTerm];
  const size = numbers.reduce((sum, value) => sum + numberBytes(value), MAGIC_BYTES + 4);
  return size + hardStateBytes(head.hardState) + markBytes(head.mark);
}

export function putHead(into: Uint8Array, at: number, head: SegmentHead): void {
  let next = putWord(into, at, MAGIC);
  into[next++] = VERSION;
  next = putNumber(into, next, head.sequence);
  next = putNumber(into, next, head.bytes);
  next = putWord(into, next, head.previousCrc);
  next = putHardState(into, next, head.hardState);
  next = putMark(into, next, head.mark);
  putNumber(into, putNumber(into, next, head.lastIndex), head.lastTerm);
}

/** A number instead of a head is the version of another format. */
export function readHead(
  bytes: Uint8Array,
  from: number,
  to: number,
): SegmentHead | number | undefined {
  const cursor = new Cursor(bytes, from, to);
  if (cursor.word() !== MAGIC) return undefined;
  const version = cursor.byte();
  if (version !== VERSION) return cursor.failed ? undefined : version;
  const head = {
    sequence: cursor.number(),
    bytes: cursor.number(),
    previousCrc: cursor.word(),
    hardState: takeHardState(cursor),
    mark: takeMark(cursor),
    lastIndex: cursor.number(),
    lastTerm: cursor.number(),
  };
  return cursor.isDone ? head : undefined;
}
