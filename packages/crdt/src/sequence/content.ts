// What a sequence is made of: the difference between a text and a list, and the only one. A content
// keeps two things apart: the column of everything that was ever inserted, in the order of the
// operations, and the sequence as it is now.
import type { ByteReader } from "../encoding/byte-reader.ts";
import type { ByteWriter } from "../encoding/byte-writer.ts";

/** Units of the column, as from, count, from, count. */
export type Pieces = readonly number[];

/** Adds units of the column to the end of pieces. */
export function addPiece(pieces: number[], from: number, count: number): void {
  const last = pieces.length - 2;
  if (last >= 0 && pieces[last]! + pieces[last + 1]! === from) pieces[last + 1]! += count;
  else pieces.push(from, count);
}

/** Where the whole column is to be found. */
export interface Whereabouts {
  /** How many units it has. */
  readonly inserted: number;
  /** The pieces that are in the sequence, in its order. */
  readonly present: Pieces;
  /** The others, in the column's order. */
  readonly gone: Pieces;
}

/** What stands between the common beginning and the common end of two sequences. */
export interface Difference {
  readonly start: number;
  /** How many units of each are not in common. */
  readonly here: number;
  readonly there: number;
}

/** The difference of two rows of units, which stand for themselves. */
export function differenceOf<T>(here: ArrayLike<T>, there: ArrayLike<T>): Difference {
  const most = Math.min(here.length, there.length);
  let start = 0;
  while (start < most && Object.is(here[start], there[start])) start++;
  let end = 0;
  while (end < most - start) {
    if (!Object.is(here[here.length - 1 - end], there[there.length - 1 - end])) break;
    end++;
  }
  return { start, here: here.length - start - end, there: there.length - start - end };
}

/** The units of one sequence. Places in the column are what the log calls `content`. */
export interface Content {
  /** What encodings of such a sequence are tagged with. */
  readonly tags: { readonly update: number; readonly document: number };
  /** How many units there are now. */
  readonly length: number;
  /** The bytes that it holds on to, about. */
  readonly bytes: number;

  /** Puts units of the column before the one at `position`. */
  insert(position: number, content: number, count: number): void;
  /** Takes units away. */
  remove(position: number, count: number): void;

  /** Writes pieces of the column. */
  write(writer: ByteWriter, pieces: Pieces): void;
  /** Reads `count` units to the end of the column. */
  read(reader: ByteReader, count: number): void;
  /** Moves the units of the column from `from` on to `to`, which is before. */
  move(to: number, from: number, count: number): void;
  /** Forgets the column from here on. */
  truncate(length: number): void;
  /** Makes a column of these pieces alone, in their order, and gives back free room. */
  keep(pieces: Pieces): void;

  /** Writes the sequence as it is now. */
  writeState(writer: ByteWriter): void;
  /** Reads it, instead of what is there. */
  readState(reader: ByteReader): void;
  /** Writes units of the column that have left the sequence, or only that they were there. */
  writeGone(writer: ByteWriter, pieces: Pieces, keep: boolean): void;
  /** Fills the empty column: from the sequence, and with what `writeGone` wrote. */
  readGone(reader: ByteReader, whereabouts: Whereabouts): void;

  /** Becomes another one of its type, of which nobody makes use afterwards. */
  become(other: this): void;
  /** Where this one and another begin to differ, and how much of them does. */
  differenceFrom(other: this): Difference;
  /** A copy that shares nothing. */
  clone(): Content;
  /** An empty one of the same type. */
  empty(): Content;
}
