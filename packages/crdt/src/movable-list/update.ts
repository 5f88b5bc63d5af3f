// Steps on the wire. An update is some of them, a whole list is all of them, in one form:
//
//   runs       who made them, and in knowledge of what (encoding/runs.ts)
//   rows       how many, and of each 5 × (length - 1) + what it does
//   positions  of each row that puts places: where the first went among all places that its author
//              knew, as the distance from where the last row left off
//   agents     those whose elements others have changed, by name
//   targets    of each step that has one, the agent: 0 for its own, n for the nth above; then of
//              each its sequence number, as the distance from the agent's target before
//   values     of each step that brings one
//
// A step that is told brings a byte at least, so nothing here describes more than it pays for.
import type { CausalGraph } from "../causal/causal-graph.ts";
import { IntColumn } from "../causal/int-column.ts";
import type { ByteReader } from "../encoding/byte-reader.ts";
import type { ByteWriter } from "../encoding/byte-writer.ts";
import { OPERATIONS_MAX, type Runs, readAgent, readRuns, writeRuns } from "../encoding/runs.ts";
import { readScalar, writeScalar } from "../encoding/scalars.ts";
import type { Scalar } from "../lattice/scalar.ts";
import type { OperationLog } from "../sequence/operation-log.ts";
import { hasPlace, hasTarget, hasValue, type StepId, type Steps, WHATS } from "./steps.ts";

/** What a list has been through. */
export interface History {
  readonly graph: CausalGraph;
  /** Where steps put their places. */
  readonly log: OperationLog;
  readonly steps: Steps;
}

/** Steps that have been read and not yet added. `runs` is good until other runs are read. */
export interface Update {
  readonly runs: Runs;
  /** Of each row, what it does, how often, and the position of the first. */
  readonly whats: IntColumn;
  readonly counts: IntColumn;
  readonly positions: IntColumn;
  /** Of each step that has one, in their order. */
  readonly targets: readonly StepId[];
  readonly values: readonly Scalar[];
}

/** Writes the steps in ascending ranges of LVs, given as from, to, from, to. */
export function writeUpdate(
  writer: ByteWriter,
  { graph, log, steps }: History,
  ranges: readonly number[],
): void {
  writeRuns(writer, graph, ranges);
  const [shapes, positions, targets] = [new IntColumn(), new IntColumn(), new IntColumn()];
  const [authors, values]: [number[], Scalar[]] = [[], []];
  let cursor = 0;
  forEachRow({ graph, log, steps }, ranges, (lv, count, what) => {
    shapes.push((count - 1) * WHATS + what);
    if (hasPlace(what)) {
      const run = log.runFrom(lv);
      const position = log.positionWithin(run, lv - log.lv(run));
      positions.push(position - cursor);
      cursor = position + count;
    }
    const author = graph.runAgent(graph.runOf(lv));
    for (let i = lv; i < lv + count; i++) {
      if (hasTarget(what)) targets.push(steps.targetAt(i));
      if (hasTarget(what)) authors.push(author);
      if (hasValue(what)) values.push(steps.valueAt(i));
    }
  });
  writer.number(shapes.length);
  writer.numbers(shapes);
  for (let i = 0; i < positions.length; i++) writer.signed(positions.data[i]!);
  writeTargets(writer, graph, targets, authors);
  for (const value of values) writeScalar(writer, value);
}

// Rows that one author has made in one go, and, if they put places, side by side.
function forEachRow(
  { graph, log, steps }: History,
  ranges: readonly number[],
  visit: (lv: number, count: number, what: number) => void,
): void {
  for (let i = 0; i < ranges.length; i += 2) {
    for (let lv = ranges[i]!; lv < ranges[i + 1]!; ) {
      const row = steps.rowOf(lv);
      const what = steps.whatOf(row);
      let end = Math.min(ranges[i + 1]!, steps.endOf(row), graph.runEnd(graph.runOf(lv)));
      if (hasPlace(what)) {
        const run = log.runFrom(lv);
        end = Math.min(end, log.lv(run) + log.count(run));
      }
      visit(lv, end - lv, what);
      lv = end;
    }
  }
}

function writeTargets(
  writer: ByteWriter,
  graph: CausalGraph,
  targets: IntColumn,
  authors: readonly number[],
): void {
  const places = new Map<number, number>();
  const [codes, distances] = [new IntColumn(), new IntColumn()];
  const next = new Map<number, number>();
  for (const [i, author] of authors.entries()) {
    const lv = targets.data[i]!;
    const agent = graph.runAgent(graph.runOf(lv));
    const seq = graph.seqOf(lv);
    if (agent !== author && !places.has(agent)) places.set(agent, places.size + 1);
    codes.push(agent === author ? 0 : places.get(agent)!);
    distances.push(seq - (next.get(agent) ?? 0));
    next.set(agent, seq + 1);
  }
  writer.number(places.size);
  for (const agent of places.keys()) writer.ascii(graph.agents[agent]!);
  writer.numbers(codes);
  for (let i = 0; i < distances.length; i++) writer.signed(distances.data[i]!);
}

/** Reads what `writeUpdate` wrote, to its end. */
export function readUpdate(reader: ByteReader): Update {
  const runs = readRuns(reader);
  const rows = readRows(reader, runs.operations);
  const authors = authorsOf(runs, rows);
  const targets = readTargets(reader, authors);
  const values: Scalar[] = [];
  for (let row = 0; row < rows.whats.length; row++) {
    if (!hasValue(rows.whats.data[row]!)) continue;
    for (let left = rows.counts.data[row]!; left > 0; left--) values.push(readScalar(reader));
  }
  reader.finish();
  return { runs, ...rows, targets, values };
}

function readRows(
  reader: ByteReader,
  operations: number,
): Pick<Update, "whats" | "counts" | "positions"> {
  const [whats, counts, positions] = [new IntColumn(), new IntColumn(), new IntColumn()];
  const length = reader.count(2);
  reader.charge(12 * length);
  let sum = 0;
  let least = 0;
  for (let row = 0; row < length; row++) {
    const shape = reader.number();
    const what = shape % WHATS;
    const count = (shape - what) / WHATS + 1;
    whats.push(what);
    counts.push(count);
    sum += count;
    least += count * ((hasTarget(what) ? 2 : 0) + (hasValue(what) ? 1 : 0));
    if (sum > operations) throw reader.corrupt("more steps than are accounted for");
  }
  if (sum !== operations) throw reader.corrupt("fewer steps than are accounted for");
  if (least > reader.left) throw reader.corrupt("fewer targets and values than are described");
  let cursor = 0;
  for (let row = 0; row < length; row++) {
    if (!hasPlace(whats.data[row]!)) {
      positions.push(0);
      continue;
    }
    const position = cursor + reader.signed();
    if (!(position >= 0 && position <= OPERATIONS_MAX)) {
      throw reader.corrupt(`a position ${position}`);
    }
    positions.push(position);
    cursor = position + counts.data[row]!;
  }
  return { whats, counts, positions };
}

// The agent of each step that has a target.
function authorsOf(
  runs: Runs,
  { whats, counts }: Pick<Update, "whats" | "counts">,
): readonly string[] {
  const authors: string[] = [];
  let run = 0;
  let end = runs.length > 0 ? runs.counts.data[0]! : 0;
  let at = 0;
  for (let row = 0; row < whats.length; row++) {
    const to = at + counts.data[row]!;
    if (hasTarget(whats.data[row]!)) {
      for (let step = at; step < to; step++) {
        while (step >= end) end += runs.counts.data[++run]!;
        authors.push(runs.agents[runs.agentOf.data[run]!]!);
      }
    }
    at = to;
  }
  return authors;
}

function readTargets(reader: ByteReader, authors: readonly string[]): StepId[] {
  const names: string[] = [];
  const count = reader.count(2);
  reader.charge(16 * count);
  for (let i = 0; i < count; i++) names.push(readAgent(reader));
  const agents: string[] = [];
  reader.charge(16 * authors.length);
  for (const author of authors) {
    const code = reader.number(count);
    agents.push(code === 0 ? author : names[code - 1]!);
  }
  const next = new Map<string, number>();
  return agents.map((agent) => {
    const seq = (next.get(agent) ?? 0) + reader.signed();
    if (!(seq >= 0 && seq < OPERATIONS_MAX)) throw reader.corrupt(`a target ${seq}`);
    next.set(agent, seq + 1);
    return { agent, seq };
  });
}
