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
// Distances are counted from what the message itself has told so far, so a run that goes on where its
// author stopped is 0, and the parents of most are 1. LVs mean nothing elsewhere and never appear.
import type { CausalGraph } from "../causal/causal-graph.ts";
import { checkReplica, REPLICA_CHARACTERS_MAX } from "../lattice/scalar.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** Most operations of one document: an LV and the identifier of a base unit share 31 bits. */
export const OPERATIONS_MAX: number = 2 ** 30 - 1;

/** The runs of a message. Agents are indexes of `agents`; operations are counted from 0. */
export interface Runs {
  readonly agents: readonly string[];
  /** How many operations there are. */
  readonly operations: number;
  readonly agentOf: readonly number[];
  readonly seqs: readonly number[];
  readonly counts: readonly number[];
  /** For each run its parents as (agent, sequence number) in turn. */
  readonly parents: readonly (readonly number[])[];
}

// The numbers of agents in the message being written, by their numbers in the graph; and what the
// next sequence number of each is so far.
class Agents {
  readonly names: string[] = [];
  readonly next: number[] = [];
  readonly #numbers: (number | undefined)[] = [];

  numberOf(graph: CausalGraph, agent: number): number {
    const known = this.#numbers[agent];
    if (known !== undefined) return known;
    const number = this.names.push(graph.agents[agent]!) - 1;
    this.#numbers[agent] = number;
    this.next.push(0);
    return number;
  }
}

/** Writes the runs of ascending ranges of LVs, given as from, to, from, to. */
export function writeRuns(writer: ByteWriter, graph: CausalGraph, ranges: readonly number[]): void {
  const agents = new Agents();
  const columns: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let i = 0; i < ranges.length; i += 2) {
    let lv = ranges[i]!;
    for (let run = graph.runOf(lv); lv < ranges[i + 1]!; run++) {
      const end = Math.min(ranges[i + 1]!, graph.runEnd(run));
      // The end of the range before this one is what stands before it in the message.
      const before = lv > ranges[i]! ? lv - 1 : i > 0 ? ranges[i - 1]! - 1 : -1;
      addRun(columns, agents, graph, run, lv, end, before);
      lv = end;
    }
  }
  writer.number(agents.names.length);
  for (const name of agents.names) writer.string(name);
  writer.number(columns[0].length);
  for (const column of columns) for (const value of column) writer.number(value);
}

function addRun(
  [agentOf, seqs, counts, parents]: [number[], number[], number[], number[]],
  agents: Agents,
  graph: CausalGraph,
  run: number,
  lv: number,
  end: number,
  before: number,
): void {
  const agent = agents.numberOf(graph, graph.runAgent(run));
  const seq = graph.seqOf(lv);
  agentOf.push(agent);
  seqs.push(zigzag(seq - agents.next[agent]!));
  counts.push(end - lv);
  const all = graph.parentsOf(lv);
  const others = all.filter((parent) => parent !== before);
  parents.push(others.length * 2 + (others.length < all.length ? 1 : 0));
  for (const parent of others) {
    const parentAgent = agents.numberOf(graph, graph.runAgent(graph.runOf(parent)));
    parents.push(parentAgent, zigzag(agents.next[parentAgent]! - 1 - graph.seqOf(parent)));
  }
  agents.next[agent] = seq + end - lv;
}

/** Reads what `writeRuns` wrote. */
export function readRuns(reader: ByteReader): Runs {
  const agents = Array.from({ length: reader.count(1) }, () => {
    reader.charge(8);
    return reader.string(REPLICA_CHARACTERS_MAX);
  });
  if (new Set(agents).size < agents.length) throw reader.corrupt("an agent is named twice");
  const length = reader.count(4);
  const column = (most: number): number[] => {
    reader.charge(8 * length);
    const values: number[] = [];
    for (let i = 0; i < length; i++) values.push(reader.number(most));
    return values;
  };
  const agentOf = column(agents.length - 1);
  const steps = column(0xffff_ffff);
  const counts = column(OPERATIONS_MAX);
  const next = agents.map(() => 0);
  const seqs: number[] = [];
  const parents: number[][] = [];
  let operations = 0;
  for (let run = 0; run < length; run++) {
    const agent = agentOf[run]!;
    const seq = next[agent]! + unzigzag(steps[run]!);
    const shape = reader.number();
    const others: number[] = [];
    for (let i = 0; i < shape >>> 1; i++) {
      reader.charge(16);
      const parent = reader.number(agents.length - 1);
      const parentSeq = next[parent]! - 1 - unzigzag(reader.number());
      if (parentSeq < 0) throw reader.corrupt("a parent before an agent's first operation");
      others.push(parent, parentSeq);
    }
    if (shape & 1) {
      if (run === 0) throw reader.corrupt("a parent before the first operation");
      const before = agentOf[run - 1]!;
      others.push(before, seqs[run - 1]! + counts[run - 1]! - 1);
    }
    if (seq < 0 || counts[run] === 0) throw reader.corrupt("a run of nothing");
    operations += counts[run]!;
    if (operations > OPERATIONS_MAX || seq + counts[run]! > OPERATIONS_MAX) {
      throw reader.corrupt("more operations than a document has");
    }
    seqs.push(seq);
    parents.push(others);
    next[agent] = seq + counts[run]!;
  }
  return { agents, operations, agentOf, seqs, counts, parents };
}

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}
