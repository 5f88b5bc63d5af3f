// The operations of one sequence on the wire, without their content, which is text here and values
// there. Two columns of numbers:
//
//   shape     3 × (operations in the run - 1) + kind: one byte up to 42 keystrokes
//   position  as the distance from where the run before left the cursor, which is mostly near
//
// A container's operations need not be all of a message's. Where they are, one 0 says so; else
// there is a third column in front of these, of how many foreign operations precede each run.
import { IntColumn } from "../causal/int-column.ts";
import { addPiece } from "../sequence/content.ts";
import { Kind, type OperationLog } from "../sequence/operation-log.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { OPERATIONS_MAX } from "./runs.ts";

/** The runs of operations of a message. */
export class Operations {
  /** Of each run, the index of its first operation in the message. */
  readonly firsts: IntColumn = new IntColumn();
  /** Of each run, what it does: one of `Kind`. */
  readonly kinds: IntColumn = new IntColumn();
  /** Of each run, the position of its first operation. */
  readonly positions: IntColumn = new IntColumn();
  /** Of each run, how many operations it has. */
  readonly counts: IntColumn = new IntColumn();
  /** How many units all of them insert. */
  inserted = 0;

  /** How many runs there are. */
  get length(): number {
    return this.counts.length;
  }

  /** Begins anew. */
  clear(): void {
    this.firsts.clear();
    this.kinds.clear();
    this.positions.clear();
    this.counts.clear();
    this.inserted = 0;
  }
}

// Used again and again, like those of the runs.
const read = new Operations();
const gaps = new IntColumn();
const shapes = new IntColumn();
const positions = new IntColumn();

/**
 * Writes the operations in ascending ranges of LVs, given as from, to, from, to. Returns where
 * their content stands in the log's column, as from, count, from, count.
 */
export function writeOperations(
  writer: ByteWriter,
  log: OperationLog,
  ranges: readonly number[],
): number[] {
  const pieces: number[] = [];
  gaps.clear();
  shapes.clear();
  positions.clear();
  let cursor = 0;
  let foreign = 0; // Operations of the message since the last one of this log.
  let isApart = false;
  for (let i = 0; i < ranges.length; i += 2) {
    const [from, to] = [ranges[i]!, ranges[i + 1]!];
    let lv = from;
    for (let run = log.runFrom(from); run < log.runs && log.lv(run) < to; run++) {
      const skipped = Math.max(0, from - log.lv(run));
      const count = Math.min(to, log.lv(run) + log.count(run)) - log.lv(run) - skipped;
      const position = log.positionWithin(run, skipped);
      const kind = log.kindWithin(run, count);
      foreign += log.lv(run) + skipped - lv;
      if (foreign > 0) isApart = true;
      gaps.push(foreign);
      shapes.push((count - 1) * 3 + kind);
      positions.push(position - cursor);
      cursor = cursorAfter(kind, position, count);
      if (kind === Kind.Insert) addPiece(pieces, log.content(run) + skipped, count);
      lv = log.lv(run) + skipped + count;
      foreign = 0;
    }
    foreign += to - lv;
  }
  if (foreign > 0) isApart = true;
  writer.number(isApart ? 1 : 0);
  writer.number(shapes.length);
  if (isApart) writer.numbers(gaps);
  writer.numbers(shapes);
  for (let i = 0; i < positions.length; i++) writer.signed(positions.data[i]!);
  return pieces;
}

/**
 * Reads what `writeOperations` wrote in a message of so many operations, all of them this
 * sequence's unless it is one of several. The result is good until the next call.
 */
export function readOperations(
  reader: ByteReader,
  operations: number,
  isOneOfSeveral = false,
): Operations {
  read.clear();
  const { firsts, kinds, counts } = read;
  const isApart = reader.number(isOneOfSeveral ? 1 : 0) === 1;
  const length = reader.count(isApart ? 3 : 2);
  reader.charge(16 * length);
  if (isApart) for (let i = 0; i < length; i++) firsts.push(reader.number(operations));
  let end = 0;
  for (let i = 0; i < length; i++) {
    const shape = reader.number();
    const kind = shape % 3;
    const count = (shape - kind) / 3 + 1;
    if (isApart) end = firsts.data[i]! += end;
    else firsts.push(end);
    kinds.push(kind);
    counts.push(count);
    end += count;
    if (kind === Kind.Insert) read.inserted += count;
    if (end > operations) throw reader.corrupt("more operations than are accounted for");
  }
  if (!isApart && end !== operations) {
    throw reader.corrupt("fewer operations than are accounted for");
  }
  readPositions(reader, length);
  return read;
}

function readPositions(reader: ByteReader, length: number): void {
  let cursor = 0;
  for (let i = 0; i < length; i++) {
    const position = cursor + reader.signed();
    const kind = read.kinds.data[i]!;
    const count = read.counts.data[i]!;
    const least = kind === Kind.Backspace ? count - 1 : 0;
    if (position < least || position > OPERATIONS_MAX) {
      throw reader.corrupt(`a position ${position}`);
    }
    read.positions.push(position);
    cursor = cursorAfter(kind, position, count);
  }
}

function cursorAfter(kind: number, position: number, count: number): number {
  if (kind === Kind.Insert) return position + count;
  return kind === Kind.Delete ? position : position - count + 1;
}
