// From a version of the document to a version of one container. The world counts changes; a
// container counts its own operations, of which a change makes none, one or a thousand. So each
// container notes, for each change that touched it, how many operations of that agent it had
// afterwards: two columns of integers for an agent, and a binary search to read them. Of changes
// that were compacted away one row is left for an agent, under the number of the last of them.
import { IntColumn } from "../causal/int-column.ts";

/** How many changes, or operations, of each agent. */
export type Vector = ReadonlyMap<string, number>;

/** A change that touched a container, and the operations of its agent there up to it. */
export interface Row {
  readonly seq: number;
  readonly count: number;
}

interface Columns {
  // Invariant: both have the same length; `seqs` rises, `counts` does not fall.
  readonly seqs: IntColumn;
  readonly counts: IntColumn;
}

/** The operations of one container by the changes that made them. */
export class Counts {
  readonly #columns: Map<string, Columns> = new Map();

  /** The operations of an agent, after all its changes. */
  of(agent: string): number {
    const columns = this.#columns.get(agent);
    return columns === undefined ? 0 : columns.counts.last();
  }

  /** Notes that a change, the agent's last one, has touched the container. */
  push(agent: string, { seq, count }: Row): void {
    let columns = this.#columns.get(agent);
    if (columns === undefined) {
      columns = { seqs: new IntColumn(), counts: new IntColumn() };
      this.#columns.set(agent, columns);
    }
    columns.seqs.push(seq);
    columns.counts.push(count);
  }

  /** Forgets which changes of a version made which operations, but not how many there were. */
  compact(version: Vector): void {
    for (const [agent, all] of [...this.#columns]) {
      const end = version.get(agent) ?? 0;
      const last = all.seqs.floor(end - 1);
      if (last < 0) continue;
      const rows = this.rows(agent, end, Number.MAX_SAFE_INTEGER);
      this.#columns.delete(agent);
      this.push(agent, { seq: end - 1, count: all.counts.data[last]! });
      for (const row of rows) this.push(agent, row);
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#columns.clear();
  }

  /** The operations in all changes, or in those of a version of the document. */
  vector(version?: Vector): Map<string, number> {
    const vector = new Map<string, number>();
    for (const [agent, { seqs, counts }] of this.#columns) {
      const row =
        version === undefined ? seqs.length - 1 : seqs.floor((version.get(agent) ?? 0) - 1);
      if (row >= 0 && counts.data[row]! > 0) vector.set(agent, counts.data[row]!);
    }
    return vector;
  }

  /** The rows of an agent's changes from `from` up to, not including, `to`. */
  rows(agent: string, from: number, to: number): Row[] {
    const columns = this.#columns.get(agent);
    if (columns === undefined) return [];
    const rows: Row[] = [];
    const { seqs, counts } = columns;
    for (let row = seqs.floor(from - 1) + 1; row < seqs.length && seqs.data[row]! < to; row++) {
      rows.push({ seq: seqs.data[row]!, count: counts.data[row]! });
    }
    return rows;
  }
}
