// The base of a compacted history on the wire (causal/base.ts): what is known below all that
// follows.
//
//   agents  how many; then of each its name, and how many operations of it are in the base
//   heads   how many; then of each the number of its agent above, and its distance back from that
//           agent's last operation: 0, unless its agent lies
//
// A sequence has units at its base, and their names follow, in columns of runs: the number of the
// agent, the first operation as the distance from where that agent's run before ended, and how many
// units.
import type { Base, OperationId } from "../causal/base.ts";
import { UnitNames } from "../sequence/unit-names.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { OPERATIONS_MAX, readAgent } from "./runs.ts";

/** Writes a base. */
export function writeBase(writer: ByteWriter, { version, heads }: Base): void {
  const numbers = numbered(version.keys());
  writer.number(version.size);
  for (const [agent, count] of version) {
    writer.ascii(agent);
    writer.number(count);
  }
  writer.number(heads.length);
  for (const { agent, seq } of heads) {
    writer.number(numbers.get(agent)!);
    writer.number(version.get(agent)! - 1 - seq);
  }
}

/** Reads what `writeBase` wrote. */
export function readBase(reader: ByteReader): Base {
  const version = new Map<string, number>();
  let operations = 0;
  // An agent has three bytes at least, a head two, a run of names three: they pay for ten each.
  for (let left = reader.count(3); left > 0; left--) {
    reader.charge(16);
    const agent = readAgent(reader);
    if (version.has(agent)) throw reader.corrupt("an agent is named twice");
    const count = reader.number(OPERATIONS_MAX);
    if (count === 0) throw reader.corrupt("an agent of no operations");
    version.set(agent, count);
    operations += count;
  }
  const agents = [...version.keys()];
  const heads: OperationId[] = [];
  for (let left = reader.count(2); left > 0; left--) {
    reader.charge(20);
    const agent = agents[reader.number(agents.length - 1)]!;
    heads.push({ agent, seq: version.get(agent)! - 1 - reader.number(version.get(agent)! - 1) });
  }
  if (heads.length === 0) throw reader.corrupt("a base without an end");
  return { version, heads, operations };
}

/** Writes the names of the units at a base. */
export function writeNames(writer: ByteWriter, names: UnitNames, { version }: Base): void {
  const numbers = numbered(version.keys());
  const next = names.agents.map(() => 0);
  writer.number(names.runs);
  for (let run = 0; run < names.runs; run++) {
    writer.number(numbers.get(names.agents[names.agent(run)]!)!);
  }
  for (let run = 0; run < names.runs; run++) {
    const agent = names.agent(run);
    writer.signed(names.seq(run) - next[agent]!);
    next[agent] = names.seq(run) + names.count(run);
  }
  for (let run = 0; run < names.runs; run++) writer.number(names.count(run));
}

/** Reads what `writeNames` wrote. */
export function readNames(reader: ByteReader, { version }: Base): UnitNames {
  const names = new UnitNames();
  const agents = [...version.keys()];
  const next = agents.map(() => 0);
  const runs = reader.count(3);
  reader.charge(8 * agents.length + 28 * runs);
  const agentOf = Array.from({ length: runs }, () => reader.number(agents.length - 1));
  const steps = Array.from({ length: runs }, () => reader.signed());
  for (let run = 0; run < runs; run++) {
    const agent = agentOf[run]!;
    const seq = next[agent]! + steps[run]!;
    const count = reader.number(OPERATIONS_MAX);
    const isNamed = seq >= 0 && count > 0 && seq + count <= version.get(agents[agent]!)!;
    if (!isNamed || names.length + count > OPERATIONS_MAX) throw reader.corrupt("no such units");
    names.push(agents[agent]!, seq, count);
    if (names.runs !== run + 1) throw reader.corrupt("a run in two pieces");
    next[agent] = seq + count;
  }
  return names;
}

function numbered(agents: Iterable<string>): Map<string, number> {
  return new Map(Array.from(agents, (agent, number) => [agent, number]));
}
