// The operations of one sequence on the wire, without their content, which is text here and values
// there. Two columns of numbers:
//
//   shape     3 × (operations in the run - 1) + kind: one byte up to 42 keystrokes
//   position  as the distance from where the run before left the cursor: people go on where they are
//
// A container's operations need not be all of a message's. Where they are, one 0 says so; else there
// is a third column in front of these, of how many foreign operations precede each run.
import { IntColumn } from "../causal/int-column.ts";
import { Kind, type OperationLog } from "../sequence/operation-log.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** The runs of operations of a message: of each the first one's index in it, and what it does. */
export interface Operations {
  readonly length: number;
  readonly firsts: readonly number[];
  readonly kinds: readonly number[];
  readonly positions: readonly number[];
  readonly counts: readonly number[];
  /** How many units all of them insert. */
  readonly inserted: number;
}

const gaps = new IntColumn();
const shapes = new IntColumn();
const positions = new IntColumn();

/**
 * Writes the operations in ascending ranges of LVs, given as from, to, from, to, and shows where the
 * content of each insertion stands in the log.
 */
export function writeOperations(
  writer: ByteWriter,
  log: OperationLog,
  ranges: readonly number[],
  visit: (content: number, count: number) => void,
): void {
  for (const column of [gaps, shapes, positions]) column.length = 0;
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
      const kind = log.kind(run);
      foreign += log.lv(run) + skipped - lv;
      if (foreign > 0) isApart = true;
      gaps.push(foreign);
      shapes.push((count - 1) * 3 + kind);
      positions.push(position - cursor);
      cursor = cursorAfter(kind, position, count);
      if (kind === Kind.Insert) visit(log.content(run) + skipped, count);
      lv = log.lv(run) + skipped + count;
      foreign = 0;
    }
    foreign += to - lv;
  }
  if (foreign > 0) isApart = true;
  writer.number(isApart ? 1 : 0);
  writer.number(shapes.length);
  if (isApart) for (let i = 0; i < gaps.length; i++) writer.number(gaps.data[i]!);
  for (let i = 0; i < shapes.length; i++) writer.number(shapes.data[i]!);
  for (let i = 0; i < positions.length; i++) writer.signed(positions.data[i]!);
}

/** Reads what `writeOperations` wrote in a message of so many operations. */
export function readOperations(reader: ByteReader, operations: number): Operations {
  const isApart = reader.number(1) === 1;
  const length = reader.count(isApart ? 3 : 2);
  reader.charge(16 * length);
  const firsts: number[] = [];
  if (isApart) for (let i = 0; i < length; i++) firsts.push(reader.number(operations));
  const kinds: number[] = [];
  const counts: number[] = [];
  let end = 0;
  let inserted = 0;
  for (let i = 0; i < length; i++) {
    const shape = reader.number();
    const kind = shape % 3;
    const count = (shape - kind) / 3 + 1;
    firsts[i] = end + (firsts[i] ?? 0);
    end = firsts[i]! + count;
    kinds.push(kind);
    counts.push(count);
    if (kind === Kind.Insert) inserted += count;
    if (end > operations) throw reader.corrupt("more operations than are accounted for");
  }
  if (!isApart && end !== operations)
    throw reader.corrupt("fewer operations than are accounted for");
  const places: number[] = [];
  let cursor = 0;
  for (let i = 0; i < length; i++) {
    const position = cursor + reader.signed();
    const [kind, count] = [kinds[i]!, counts[i]!];
    if (position < 0 || (kind === Kind.Backspace && position < count - 1) || position > 2 ** 30) {
      throw reader.corrupt(`a position ${position}`);
    }
    places.push(position);
    cursor = cursorAfter(kind, position, count);
  }
  return { length, firsts, kinds, positions: places, counts, inserted };
}

function cursorAfter(kind: number, position: number, count: number): number {
  if (kind === Kind.Insert) return position + count;
  return kind === Kind.Delete ? position : position - count + 1;
}
