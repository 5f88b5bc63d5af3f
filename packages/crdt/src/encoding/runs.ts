// The causal graph on the wire: agents by name, once each, then one column for each field of the
// runs, so that like stands next to like and a compressor finds it.
//
//   agents   how many, and their names
//   runs     how many
//   agent    of each run: its number above
//   seq      its first sequence number, as the distance from the next one this agent would have
//   count    how many operations
//   parents  2 × how many + 1, if one of them is the operation that stands before in this message;
//            for each other one its agent and its distance back from that agent's next number
//
// Distances are counted from what the message itself has told so far, so a run that goes on where
// its author stopped is 0, and the parents of most are 1. LVs mean nothing elsewhere and never
// appear.
import type { Base } from "../causal/base.ts";
import type { CausalGraph } from "../causal/causal-graph.ts";
import { IntColumn } from "../causal/int-column.ts";
import { isReplica, REPLICA_CHARACTERS_MAX } from "../lattice/scalar.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** Most operations of one document: an LV and the identifier of a base unit share 31 bits. */
export const OPERATIONS_MAX: number = 2 ** 30 - 1;

/** The runs of a message. Agents are indexes of `agents`; operations are counted from 0. */
export class Runs {
  /** The names of the agents. */
  readonly agents: string[] = [];
  /** How many operations there are. */
  operations = 0;
  /** Of each run, its agent. */
  readonly agentOf: IntColumn = new IntColumn();
  /** Of each run, the sequence number of its first operation. */
  readonly seqs: IntColumn = new IntColumn();
  /** Of each run, how many operations it has. */
  readonly counts: IntColumn = new IntColumn();
  /** Of each run, where its parents begin; and where the last one's end. */
  readonly parentStarts: IntColumn = new IntColumn();
  /** Parents, as agent and sequence number in turn. */
  readonly parents: IntColumn = new IntColumn();

  /** How many runs there are. */
  get length(): number {
    return this.agentOf.length;
  }

  /** Begins anew. */
  clear(): void {
    this.agents.length = 0;
    this.operations = 0;
    this.agentOf.clear();
    this.seqs.clear();
    this.counts.clear();
    this.parentStarts.clear();
    this.parents.clear();
  }
}

// One message is written or read at a time, and most are of one keystroke: so there is one set of
// columns for all, which is emptied and not thrown away.
const written = new Runs();
const read = new Runs();
// By the agents of the message: what the next sequence number is so far.
const next = new IntColumn();
// By the agents of the graph: their numbers in the message, and 1 more; 0 for none.
const numbers: number[] = [];
const numbered = new IntColumn();
// Names that came lately: they will come again, and a string that is known already is compared with
// bytes sooner than a new one is made and looked up.
const lately: string[] = [];
const LATELY = 8;

/** Writes the runs of ascending ranges of LVs, given as from, to, from, to. */
export function writeRuns(writer: ByteWriter, graph: CausalGraph, ranges: readonly number[]): void {
  written.clear();
  next.clear();
  for (let i = 0; i < ranges.length; i += 2) {
    let lv = ranges[i]!;
    const to = ranges[i + 1]!;
    // What stands before the range in the message is the end of the range before.
    let before = i > 0 ? ranges[i - 1]! - 1 : -1;
    for (let run = graph.runOf(lv); lv < to; run++) {
      const end = Math.min(to, graph.runEnd(run));
      addRun(graph, run, lv, end, before);
      lv = end;
      before = end - 1;
    }
  }
  for (let i = 0; i < numbered.length; i++) numbers[numbered.data[i]!] = 0;
  numbered.clear();
  writer.number(written.agents.length);
  for (const name of written.agents) writer.ascii(name);
  const { agentOf, seqs, counts, parents } = written;
  writer.number(agentOf.length);
  writer.numbers(agentOf);
  writer.numbers(seqs);
  writer.numbers(counts);
  writer.numbers(parents);
}

function addRun(graph: CausalGraph, run: number, lv: number, end: number, before: number): void {
  const agent = numberOf(graph, graph.runAgent(run));
  const start = graph.runStart(run);
  const seq = graph.runSeq(run) + lv - start;
  written.agentOf.push(agent);
  written.seqs.push(zigzag(seq - next.data[agent]!));
  written.counts.push(end - lv);
  const { parents } = written;
  if (lv > start) {
    // Within a run the parent is the operation before.
    if (lv - 1 === before) {
      parents.push(1);
    } else {
      parents.push(2);
      parents.push(agent);
      parents.push(zigzag(next.data[agent]! - seq));
    }
  } else {
    addParents(graph, lv, before);
  }
  next.data[agent] = seq + end - lv;
}

function addParents(graph: CausalGraph, lv: number, before: number): void {
  const { parents } = written;
  const all = graph.parentsOf(lv);
  if (all.length === 0 && graph.base !== undefined) {
    addBaseHeads(graph, graph.base);
    return;
  }
  const isBefore = all.includes(before);
  parents.push(isBefore ? all.length * 2 - 1 : all.length * 2);
  for (const parent of all) {
    if (parent === before) continue;
    const run = graph.runOf(parent);
    const agent = numberOf(graph, graph.runAgent(run));
    const seq = graph.runSeq(run) + parent - graph.runStart(run);
    parents.push(agent);
    parents.push(zigzag(next.data[agent]! - 1 - seq));
  }
}

function addBaseHeads(graph: CausalGraph, { heads }: Base): void {
  const { parents } = written;
  parents.push(heads.length * 2);
  for (const { agent, seq } of heads) {
    const number = numberOf(graph, graph.findAgent(agent));
    parents.push(number);
    parents.push(zigzag(next.data[number]! - 1 - seq));
  }
}

function numberOf(graph: CausalGraph, agent: number): number {
  const known = numbers[agent];
  if (known) return known - 1;
  while (numbers.length <= agent) numbers.push(0);
  numbers[agent] = written.agents.push(graph.agents[agent]!);
  numbered.push(agent);
  next.push(0);
  return written.agents.length - 1;
}

/** Reads what `writeRuns` wrote. The result is good until the next call. */
export function readRuns(reader: ByteReader): Runs {
  read.clear();
  next.clear();
  readAgents(reader);
  const { agentOf, seqs, counts, parents, parentStarts } = read;
  const agents = read.agents.length;
  const length = reader.count(4);
  reader.charge(20 * length);
  for (let run = 0; run < length; run++) agentOf.push(reader.number(agents - 1));
  for (let run = 0; run < length; run++) seqs.push(reader.signed());
  for (let run = 0; run < length; run++) counts.push(reader.number(OPERATIONS_MAX));
  for (let run = 0; run < length; run++) {
    const agent = agentOf.data[run]!;
    const seq = next.data[agent]! + seqs.data[run]!;
    const count = counts.data[run]!;
    const shape = reader.number();
    parentStarts.push(parents.length);
    for (let i = shape >>> 1; i > 0; i--) {
      reader.charge(8);
      const parent = reader.number(agents - 1);
      const parentSeq = next.data[parent]! - 1 - reader.signed();
      if (parentSeq < 0) throw reader.corrupt("a parent before an agent's first operation");
      parents.push(parent);
      parents.push(parentSeq);
    }
    if (shape & 1) {
      if (run === 0) throw reader.corrupt("a parent before the first operation");
      parents.push(agentOf.data[run - 1]!);
      parents.push(seqs.data[run - 1]! + counts.data[run - 1]! - 1);
    }
    read.operations += count;
    const isMany = read.operations > OPERATIONS_MAX || seq + count > OPERATIONS_MAX;
    if (seq < 0 || count === 0 || isMany) throw reader.corrupt("a run that cannot be");
    seqs.data[run] = seq;
    next.data[agent] = seq + count;
  }
  parentStarts.push(parents.length);
  return read;
}

function readAgents(reader: ByteReader): void {
  const { agents } = read;
  const count = reader.count(2);
  reader.charge(16 * count);
  for (let i = 0; i < count; i++) {
    agents.push(readAgent(reader));
    next.push(0);
  }
  if (count > 1 && new Set(agents).size < count) throw reader.corrupt("an agent is named twice");
}

/** Reads the name of an agent. */
export function readAgent(reader: ByteReader): string {
  const name = reader.ascii(REPLICA_CHARACTERS_MAX, lately);
  if (lately.includes(name)) return name;
  if (!isReplica(name)) throw reader.corrupt("this is no name of an agent");
  lately.unshift(name);
  if (lately.length > LATELY) lately.pop();
  return name;
}

function zigzag(value: number): number {
  return (value << 1) ^ (value >> 31);
}
