// Updates: some operations of a sequence, for a replica that lacks them. What is known already is
// passed over, so an update may come twice, or overlap with another; what depends on operations
// that are not known is left for later, whole.
//
//   update   runs (encoding/runs.ts) | operations (encoding/operations.ts) | their content
import type { OperationId } from "../causal/base.ts";
import { checkStandsOn } from "../causal/base.ts";
import type { CausalGraph } from "../causal/causal-graph.ts";
import { IntColumn } from "../causal/int-column.ts";
import type { ByteReader } from "../encoding/byte-reader.ts";
import type { ByteWriter } from "../encoding/byte-writer.ts";
import { type Operations, readOperations, writeOperations } from "../encoding/operations.ts";
import { type Runs, readRuns, writeRuns } from "../encoding/runs.ts";
import { CrdtError } from "../errors.ts";
import type { Content } from "./content.ts";
import { Kind, type OperationLog } from "./operation-log.ts";

/** A sequence's history: the graph, what its operations did, and to what. */
export interface History {
  readonly graph: CausalGraph;
  readonly log: OperationLog;
  readonly content: Content;
}

/**
 * An update that has been read and not yet added. Its content is at the end of the column; the
 * rest is good until the next one is read.
 */
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
  const pieces = writeOperations(writer, log, ranges);
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
  const { agents, agentOf, seqs, counts, parents, parentStarts } = runs;
  const known = new IntColumn(agents.length);
  for (const name of agents) known.push(graph.known(name));
  for (let run = 0; run < runs.length; run++) {
    const agent = agentOf.data[run]!;
    const seq = seqs.data[run]!;
    if (seq > known.data[agent]!) return { agent: agents[agent]!, seq: seq - 1 };
    for (let i = parentStarts.data[run]!; i < parentStarts.data[run + 1]!; i += 2) {
      const parent = parents.data[i]!;
      const parentSeq = parents.data[i + 1]!;
      if (parentSeq >= known.data[parent]!) return { agent: agents[parent]!, seq: parentSeq };
    }
    known.data[agent] = Math.max(known.data[agent]!, seq + counts.data[run]!);
  }
  return undefined;
}

/** Adds what is not known of an update on which nothing is missing. */
export function addUpdate({ graph, log, content }: Columns, { runs, operations }: Update): void {
  const placed = addRuns(graph, runs);
  let piece = 0;
  let read = log.inserted;
  for (let run = 0; run < operations.length; run++) {
    const kind = operations.kinds.data[run]!;
    const first = operations.firsts.data[run]!;
    const end = first + operations.counts.data[run]!;
    const position = operations.positions.data[run]!;
    while (piece < placed.length && placed.data[piece + 1]! <= first) piece += 3;
    for (let at = piece; at < placed.length && placed.data[at]! < end; at += 3) {
      const from = Math.max(first, placed.data[at]!);
      const count = Math.min(end, placed.data[at + 1]!) - from;
      const lv = placed.data[at + 2]! + from - placed.data[at]!;
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

/**
 * Adds what is not known of runs on which nothing is missing. Returns where each new piece of the
 * message is in the graph: first index, end, LV.
 *
 * @throws CrdtError `CRDT_COMPACTED` for operations that do not descend from all of the base; some
 *   may have been added by then
 */
export function addRuns(graph: CausalGraph, runs: Runs): IntColumn {
  const { agents, agentOf, seqs, counts } = runs;
  const numbers = new IntColumn(agents.length);
  for (const name of agents) numbers.push(graph.agentNumber(name));
  const placed = new IntColumn();
  let index = 0;
  for (let run = 0; run < agentOf.length; run++) {
    const agent = numbers.data[agentOf.data[run]!]!;
    const count = counts.data[run]!;
    const passed = graph.nextSeqs[agent]! - seqs.data[run]!;
    if (passed < count) {
      const parents = parentsOf({ graph, runs, numbers }, run, passed);
      placed.push(index + passed);
      placed.push(index + count);
      placed.push(graph.add(agent, count - passed, parents));
    }
    index += count;
  }
  return placed;
}

// Runs, and by what numbers the graph knows their agents.
interface Numbered {
  readonly graph: CausalGraph;
  readonly runs: Runs;
  readonly numbers: IntColumn;
}

// As LVs, ascending. Those in the base are not among them.
function parentsOf({ graph, runs, numbers }: Numbered, run: number, passed: number): number[] {
  const { agents, agentOf, seqs, parents, parentStarts } = runs;
  const agent = agents[agentOf.data[run]!]!;
  const seq = seqs.data[run]! + Math.max(0, passed);
  const above: number[] = [];
  if (passed > 0) {
    // It goes on from an operation of its own that is known.
    const lv = graph.lvOf(numbers.data[agentOf.data[run]!]!, seq - 1);
    if (lv >= 0) above.push(lv);
    else checkStandsOn(graph.base, `${agent}:${seq}`, (head) => isSame(head, agent, seq - 1));
    return above;
  }
  const [from, to] = [parentStarts.data[run]!, parentStarts.data[run + 1]!];
  for (let i = from; i < to; i += 2) {
    const lv = graph.lvOf(numbers.data[parents.data[i]!]!, parents.data[i + 1]!);
    if (lv >= 0) above.push(lv);
  }
  if (above.length > 1) {
    above.sort((a, b) => a - b);
    if (above.some((lv, i) => lv === above[i - 1])) {
      throw new CrdtError("CRDT_CORRUPT", `${agent}:${seq} names a parent twice`);
    }
  }
  // One who knows anything above the base knows all of it.
  if (above.length === 0 && graph.base !== undefined) {
    checkStandsOn(graph.base, `${agent}:${seq}`, (head) => {
      for (let i = from; i < to; i += 2) {
        if (isSame(head, agents[parents.data[i]!]!, parents.data[i + 1]!)) return true;
      }
      return false;
    });
  }
  return above;
}

function isSame(id: OperationId, agent: string, seq: number): boolean {
  return id.agent === agent && id.seq === seq;
}
