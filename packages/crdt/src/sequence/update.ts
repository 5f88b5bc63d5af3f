// Updates: some operations of a sequence, for a replica that lacks them. What is known already is
// passed over, so an update may come twice, or overlap with another; what depends on operations that
// are not known is left for later, whole.
//
//   update   runs (encoding/runs.ts) | operations (encoding/operations.ts) | their content
import type { CausalGraph } from "../causal/causal-graph.ts";
import type { ByteReader } from "../encoding/byte-reader.ts";
import type { ByteWriter } from "../encoding/byte-writer.ts";
import { type Operations, readOperations, writeOperations } from "../encoding/operations.ts";
import { type Runs, readRuns, writeRuns } from "../encoding/runs.ts";
import type { Content } from "./content.ts";
import { Kind, type OperationLog } from "./operation-log.ts";
import type { OperationId } from "./pending.ts";

/** A sequence's history: the graph, what its operations did, and to what. */
export interface History {
  readonly graph: CausalGraph;
  readonly log: OperationLog;
  readonly content: Content;
}

/** An update that has been read and not yet added. Its content is at the end of the column. */
export interface Update {
  readonly runs: Runs;
  readonly operations: Operations;
}

// As much of a history as is added to before anything is replayed.
type Columns = Omit<History, "content"> & { readonly content: Pick<Content, "move" | "truncate"> };

/** Writes the operations in ascending ranges of LVs, given as from, to, from, to. */
export function writeUpdate(
  writer: ByteWriter,
  { graph, log, content }: History,
  ranges: readonly number[],
): void {
  writeRuns(writer, graph, ranges);
  const pieces: number[] = [];
  writeOperations(writer, log, ranges, (from, count) => {
    const last = pieces.length - 2;
    if (last >= 0 && pieces[last]! + pieces[last + 1]! === from) pieces[last + 1]! += count;
    else pieces.push(from, count);
  });
  if (pieces.length > 0) content.write(writer, pieces);
}

/** Reads an update to its end. Its content goes to the end of the column, and nowhere else. */
export function readUpdate(reader: ByteReader, { content }: History): Update {
  const runs = readRuns(reader);
  const operations = readOperations(reader, runs.operations);
  if (operations.inserted > 0) content.read(reader, operations.inserted);
  reader.finish();
  return { runs, operations };
}

/** The first operation that an update depends on and does not bring; `undefined` for none. */
export function missingFor(graph: CausalGraph, runs: Runs): OperationId | undefined {
  const { agents } = runs;
  const known = agents.map((name) => graph.known(name));
  for (const [run, agent] of runs.agentOf.entries()) {
    const seq = runs.seqs[run]!;
    if (seq > known[agent]!) return { agent: agents[agent]!, seq: seq - 1 };
    const parents = runs.parents[run]!;
    for (let i = 0; i < parents.length; i += 2) {
      const [parent, parentSeq] = [parents[i]!, parents[i + 1]!];
      if (parentSeq >= known[parent]!) return { agent: agents[parent]!, seq: parentSeq };
    }
    known[agent] = Math.max(known[agent]!, seq + runs.counts[run]!);
  }
  return undefined;
}

/** Adds what is not known of an update on which nothing is missing. */
export function addUpdate({ graph, log, content }: Columns, { runs, operations }: Update): void {
  const before = log.inserted;
  // Where each new piece of the message is in the graph, as first index, end, LV.
  const placed = addRuns(graph, runs);
  let piece = 0;
  let read = before;
  for (let run = 0; run < operations.length; run++) {
    const kind = operations.kinds[run]!;
    const first = operations.firsts[run]!;
    const end = first + operations.counts[run]!;
    while (piece < placed.length && placed[piece + 1]! <= first) piece += 3;
    for (let at = piece; at < placed.length && placed[at]! < end; at += 3) {
      const from = Math.max(first, placed[at]!);
      const count = Math.min(end, placed[at + 1]!) - from;
      const lv = placed[at + 2]! + from - placed[at]!;
      const position = operations.positions[run]!;
      const skipped = from - first;
      if (kind === Kind.Insert) {
        // Known content is passed over, and what follows it moves up.
        if (read + skipped !== log.inserted) content.move(log.inserted, read + skipped, count);
        log.insert(lv, position + skipped, count);
      } else if (kind === Kind.Delete) {
        log.delete(lv, position, count);
      } else {
        log.backspace(lv, position - skipped, count);
      }
    }
    if (kind === Kind.Insert) read += end - first;
  }
  content.truncate(log.inserted);
}

function addRuns(graph: CausalGraph, runs: Runs): number[] {
  const placed: number[] = [];
  let index = 0;
  for (const [run, agentOf] of runs.agentOf.entries()) {
    const agent = graph.agentNumber(runs.agents[agentOf]!);
    const count = runs.counts[run]!;
    const known = Math.min(count, graph.nextSeqs[agent]! - runs.seqs[run]!);
    if (known < count) {
      const parents = known > 0 ? [graph.lvOf(agent, graph.nextSeqs[agent]! - 1)] : [];
      if (known === 0) {
        const names = runs.parents[run]!;
        for (let i = 0; i < names.length; i += 2) {
          const parent = graph.agentNumber(runs.agents[names[i]!]!);
          parents.push(graph.lvOf(parent, names[i + 1]!));
        }
        if (parents.length > 1) parents.sort((a, b) => a - b);
      }
      const lv = graph.add(agent, count - known, parents);
      placed.push(index + known, index + count, lv);
    }
    index += count;
  }
  return placed;
}
