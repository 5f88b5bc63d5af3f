// Whole documents: everything that an update has, and the sequence as it is, first. So opening one
// shows the text after a check and a copy, and the history stays bytes until somebody edits, merges
// or asks for it.
//
//   document   length of the state | the sequence as it is | runs | operations | gone
//
// The content column is not written. Most of it is in the sequence, only in another order, and
// replaying the history tells which unit stands where; the rest, what was deleted, follows in the
// order of the operations, or is left out. Text in reading order compresses better than text in
// typing order, and none of it is there twice.
import type { ByteReader } from "../encoding/byte-reader.ts";
import type { ByteWriter } from "../encoding/byte-writer.ts";
import { readOperations, writeOperations } from "../encoding/operations.ts";
import { readRuns, writeRuns } from "../encoding/runs.ts";
import type { Whereabouts } from "./content.ts";
import type { OperationLog } from "./operation-log.ts";
import { BASE, NONE } from "./tracker/span-tree.ts";
import { Tracker } from "./tracker/tracker.ts";
import { addUpdate, type History, missingFor } from "./update.ts";

/** Writes everything; without the content of what was deleted, if so asked. */
export function writeDocument(writer: ByteWriter, history: History, keepDeleted: boolean): void {
  const { graph, log, content } = history;
  content.writeState(writer);
  const ranges = graph.length > 0 ? [0, graph.length] : [];
  writeRuns(writer, graph, ranges);
  writeOperations(writer, log, ranges);
  content.writeGone(writer, whereabouts(history).gone, keepDeleted);
}

/** Reads the history of a document whose state has been read, into an empty one that has it. */
export function readHistory(reader: ByteReader, history: History): void {
  const { graph, log, content } = history;
  const runs = readRuns(reader);
  const operations = readOperations(reader, runs.operations);
  if (missingFor(graph, runs) !== undefined)
    throw reader.corrupt("a history without its beginning");
  addUpdate({ graph, log, content: NOTHING }, { runs, operations });
  const places = whereabouts(history);
  let present = 0;
  for (let i = 1; i < places.present.length; i += 2) present += places.present[i]!;
  if (present !== content.length) throw reader.corrupt("another text than its history makes");
  content.readGone(reader, places);
  reader.finish();
}

// The column is filled when it is known what stands where.
const NOTHING = { move(): void {}, truncate(): void {} };

/** Which units of the column are in the sequence, and which have left it. */
function whereabouts({ graph, log }: History): Whereabouts {
  const tracker = new Tracker(graph, log);
  tracker.start(0, 0);
  tracker.walk(graph.length);
  const { tree } = tracker;
  const present: number[] = [];
  const isPresent = new Uint8Array(log.inserted);
  for (let span = tree.first(); span !== NONE; span = tree.next(span)) {
    const id = tree.id(span);
    if (id >= BASE || tree.isGone(span)) continue;
    forEachPiece(log, id, tree.length(span), (from, count) => {
      isPresent.fill(1, from, from + count);
      const last = present.length - 2;
      if (last >= 0 && present[last]! + present[last + 1]! === from) present[last + 1]! += count;
      else present.push(from, count);
    });
  }
  return { inserted: log.inserted, present, gone: zeros(isPresent) };
}

// The pieces of the column that consecutive insertions put there.
function forEachPiece(
  log: OperationLog,
  lv: number,
  count: number,
  visit: (from: number, count: number) => void,
): void {
  for (let run = log.runFrom(lv); count > 0; run++) {
    const skipped = lv - log.lv(run);
    const taken = Math.min(count, log.count(run) - skipped);
    visit(log.content(run) + skipped, taken);
    lv += taken;
    count -= taken;
  }
}

function zeros(marks: Uint8Array): number[] {
  const pieces: number[] = [];
  for (let at = marks.indexOf(0); at !== -1; at = marks.indexOf(0, at)) {
    const end = marks.indexOf(1, at);
    const to = end === -1 ? marks.length : end;
    pieces.push(at, to - at);
    at = to;
  }
  return pieces;
}
