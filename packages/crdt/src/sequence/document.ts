// Whole documents: everything that an update has, and the sequence as it is, first. So opening one
// shows the text after a check and a copy, and the history stays bytes until somebody edits, merges
// or asks for it.
//
//   document   length of the state | the sequence as it is | runs | operations | gone
//
// If the history was compacted, its base and the names of the units there (encoding/base.ts) stand
// before the runs, and the frame is of version 2.
//
// The content column is not written. Most of it is in the sequence, only in another order, and
// replaying the history tells which unit stands where; the rest, what was deleted, follows in the
// order of the operations, or is left out. Text in reading order compresses better than text in
// typing order, and none of it is there twice.
import { CausalGraph } from "../causal/causal-graph.ts";
import { readBase, readNames, writeBase, writeNames } from "../encoding/base.ts";
import type { ByteReader } from "../encoding/byte-reader.ts";
import type { ByteWriter } from "../encoding/byte-writer.ts";
import { readOperations, writeOperations } from "../encoding/operations.ts";
import { readRuns, writeRuns } from "../encoding/runs.ts";
import { addPiece, type Content, type Whereabouts } from "./content.ts";
import { OperationLog } from "./operation-log.ts";
import { forEachPresent } from "./present.ts";
import { addUpdate, type History, missingFor } from "./update.ts";

/** Writes everything; without the content of what was deleted, if so asked. */
export function writeDocument(writer: ByteWriter, history: History, keepDeleted: boolean): void {
  const { graph, log, content } = history;
  content.writeState(writer);
  if (graph.base !== undefined) {
    writeBase(writer, graph.base);
    writeNames(writer, log.base, graph.base);
  }
  const ranges = graph.length > 0 ? [0, graph.length] : [];
  writeRuns(writer, graph, ranges);
  writeOperations(writer, log, ranges);
  content.writeGone(writer, whereabouts(history).gone, keepDeleted);
}

/** Reads the history of a document whose state has been read, and fills the content's column. */
export function readHistory(reader: ByteReader, content: Content, hasBase: boolean): History {
  const base = hasBase ? readBase(reader) : undefined;
  const graph = new CausalGraph(base);
  const log = new OperationLog(base === undefined ? undefined : readNames(reader, base));
  const runs = readRuns(reader);
  const operations = readOperations(reader, runs.operations);
  if (missingFor(graph, runs) !== undefined)
    throw reader.corrupt("a history without its beginning");
  addUpdate({ graph, log, content: NOTHING }, { runs, operations });
  // Of a text each unit will take two bytes, of a list each value has taken one, and pays for ten.
  reader.afford(2 * log.inserted);
  const places = whereabouts({ graph, log });
  let present = 0;
  for (let i = 1; i < places.present.length; i += 2) present += places.present[i]!;
  if (present !== content.length) throw reader.corrupt("another text than its history makes");
  content.readGone(reader, places);
  reader.finish();
  return { graph, log, content };
}

// The column is filled when it is known what stands where.
const NOTHING = { move(): void {}, truncate(): void {} };

/** Which units of the column are in the sequence, and which have left it. */
function whereabouts({ graph, log }: Pick<History, "graph" | "log">): Whereabouts {
  const present: number[] = [];
  const isPresent = new Uint8Array(log.inserted);
  forEachPresent({ graph, log }, graph.length, ({ content, count }) => {
    isPresent.fill(1, content, content + count);
    addPiece(present, content, count);
  });
  return { inserted: log.inserted, present, gone: zeros(isPresent) };
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
