// The commonest update of all: somebody types on. One run of one agent, whose parent is the
// operation that the same agent did last, and here that is the last of all. Nine updates in ten
// are such a one, and it is worth a way of its own: the same bytes, but written and read without
// filling a column, and applied without a mark to come back to, since all that can be wrong with
// it is one position, and without a list of splices, since it is one.
//
// Most of its fields are the same every time, and a number below 128 is one byte, itself: so these
// are written and read as bytes.
//
// Whatever is not quite like that is left, unread, to the long way (update.ts).
import type { ByteReader } from "../encoding/byte-reader.ts";
import type { ByteWriter } from "../encoding/byte-writer.ts";
import { OPERATIONS_MAX } from "../encoding/runs.ts";
import { Kind } from "./operation-log.ts";
import type { History } from "./update.ts";

/** Writes what an agent did from a sequence number on, if it is one run; else writes nothing. */
export function writeKeystroke(
  writer: ByteWriter,
  { graph, log, content }: History,
  agent: number,
  seq: number,
): boolean {
  const count = graph.nextSeqs[agent]! - seq;
  if (!graph.isTypedOn(agent, count)) return false;
  const run = log.runs - 1;
  const skipped = graph.length - count - log.lv(run);
  if (skipped < 0 || skipped + count !== log.count(run)) return false;
  const kind = log.kindWithin(run, count);
  // runs.ts: one agent, one run; its parent is its own operation before.
  writer.byte(1);
  writer.ascii(graph.agents[agent]!);
  writer.byte(1);
  writer.byte(0);
  writer.signed(seq);
  writer.number(count);
  writer.byte(2);
  writer.byte(0);
  writer.signed(-seq);
  // operations.ts: none of another container, one run.
  writer.byte(0);
  writer.byte(1);
  writer.number((count - 1) * 3 + kind);
  writer.signed(log.positionWithin(run, skipped));
  if (kind === Kind.Insert) content.write(writer, [log.content(run) + skipped, count]);
  return true;
}

/** Reads, adds and applies such an update; of another one reads nothing, and returns false. */
export function takeKeystroke(history: History, reader: ByteReader): boolean {
  const start = reader.position;
  if (take(history, reader)) return true;
  reader.position = start;
  return false;
}

// Gives up at the first field that is not as it should be, and before anything is added.
function take({ graph, log, content }: History, reader: ByteReader): boolean {
  const agent = graph.typist;
  if (agent < 0) return false;
  const seq = graph.nextSeqs[agent]!;
  if (reader.byte() !== 1 || !reader.skipAscii(graph.agents[agent]!)) return false;
  if (reader.byte() !== 1 || reader.byte() !== 0 || reader.signed() !== seq) return false;
  const count = reader.number(OPERATIONS_MAX);
  if (reader.byte() !== 2 || reader.byte() !== 0 || reader.signed() !== -seq) return false;
  if (reader.byte() !== 0 || reader.byte() !== 1) return false;
  const shape = reader.number();
  const kind = shape % 3;
  const position = reader.signed();
  const end = kind === Kind.Insert ? position : position + count;
  if (position < 0 || end > content.length || kind === Kind.Backspace) return false;
  if (count === 0 || shape !== (count - 1) * 3 + kind || seq + count > OPERATIONS_MAX) return false;
  if (kind === Kind.Insert) {
    const from = log.inserted;
    content.read(reader, count);
    reader.finish();
    log.insert(graph.addLocal(agent, count), position, count);
    content.insert(position, from, count);
  } else {
    reader.finish();
    log.delete(graph.addLocal(agent, count), position, count);
    content.remove(position, count);
  }
  return true;
}
