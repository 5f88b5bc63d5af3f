// The names of the units that a compacted history begins with: of all that was known of them, what
// anchors need. In runs: each unit of one was inserted by the operation after that of the unit to
// its left, so a text typed forwards is one run.
import type { OperationId } from "../causal/base.ts";
import { IntColumn } from "../causal/int-column.ts";

/** The operations that inserted units in a row. It is filled once, and then shared. */
export class UnitNames {
  /** How many units there are. */
  length = 0;
  /** The names of the agents. */
  readonly agents: string[] = [];
  readonly #agentNumbers: Map<string, number> = new Map();
  readonly #starts: IntColumn = new IntColumn();
  readonly #agentOf: IntColumn = new IntColumn();
  readonly #seqs: IntColumn = new IntColumn();

  /** How many runs there are. */
  get runs(): number {
    return this.#starts.length;
  }

  /** The bytes that its columns hold on to. */
  get bytes(): number {
    return this.#starts.bytes + this.#agentOf.bytes + this.#seqs.bytes;
  }

  /** Appends units that consecutive operations of an agent inserted. */
  push(agent: string, seq: number, count: number): void {
    const number = this.#numberOf(agent);
    const last = this.runs - 1;
    const goesOn =
      last >= 0 && this.#agentOf.last() === number && this.seq(last) + this.count(last) === seq;
    if (!goesOn) {
      this.#starts.push(this.length);
      this.#agentOf.push(number);
      this.#seqs.push(seq);
    }
    this.length += count;
  }

  /** The number of a run's agent in `agents`. */
  agent(run: number): number {
    return this.#agentOf.data[run]!;
  }

  /** The operation that inserted the first unit of a run. */
  seq(run: number): number {
    return this.#seqs.data[run]!;
  }

  /** How many units a run has. */
  count(run: number): number {
    const end = run + 1 < this.runs ? this.#starts.data[run + 1]! : this.length;
    return end - this.#starts.data[run]!;
  }

  /** The operation that inserted a unit. */
  at(index: number): OperationId {
    const run = this.#starts.floor(index);
    const seq = this.seq(run) + index - this.#starts.data[run]!;
    return { agent: this.agents[this.agent(run)]!, seq };
  }

  /** Shows the names of units in a row, run by run. */
  forEach(
    from: number,
    count: number,
    visit: (agent: string, seq: number, count: number) => void,
  ): void {
    const to = from + count;
    for (let run = this.#starts.floor(from); from < to; run++) {
      const skipped = from - this.#starts.data[run]!;
      const taken = Math.min(to - from, this.count(run) - skipped);
      visit(this.agents[this.agent(run)]!, this.seq(run) + skipped, taken);
      from += taken;
    }
  }

  /** Where the unit is that an operation inserted; -1 for none. Costs about the number of runs. */
  indexOf({ agent, seq }: OperationId): number {
    const number = this.#agentNumbers.get(agent);
    if (number === undefined) return -1;
    for (let run = 0; run < this.runs; run++) {
      const within = seq - this.seq(run);
      const isHere = this.agent(run) === number && within >= 0 && within < this.count(run);
      if (isHere) return this.#starts.data[run]! + within;
    }
    return -1;
  }

  /** Gives back the free room. */
  trim(): void {
    for (const column of [this.#starts, this.#agentOf, this.#seqs]) column.trim();
  }

  #numberOf(agent: string): number {
    const known = this.#agentNumbers.get(agent);
    if (known !== undefined) return known;
    const number = this.agents.push(agent) - 1;
    this.#agentNumbers.set(agent, number);
    return number;
  }
}
