// Lamport's clock, read off the causal graph: the time of an operation is one more than the latest
// of its parents. Nothing of it is sent, so nobody can claim to be late, and no clock on a wall is
// asked. Within a run each operation is the next tick, so one integer for a run is enough.
//
// Reference: Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System" (CACM
// 1978).
import type { CausalGraph } from "../causal/causal-graph.ts";
import { IntColumn } from "../causal/int-column.ts";

/** The times of a graph's operations. */
export class LamportClock {
  readonly #graph: CausalGraph;
  // By run, the time of its first operation. Invariant: no run is here that could be rolled back,
  // for nobody asks for the time of what is not agreed yet.
  readonly #firsts: IntColumn = new IntColumn();

  constructor(graph: CausalGraph) {
    this.#graph = graph;
  }

  /** The time of an operation; ancestors are earlier. */
  timeOf(lv: number): number {
    const graph = this.#graph;
    while (this.#firsts.length < graph.runs) this.#readNext();
    const run = graph.runOf(lv);
    return this.#firsts.data[run]! + lv - graph.runStart(run);
  }

  /** Whether an operation is later than another: by time, and then by the name of its agent. */
  isLater(lv: number, other: number): boolean {
    const [time, otherTime] = [this.timeOf(lv), this.timeOf(other)];
    return time === otherTime ? this.#graph.isBefore(other, lv) : time > otherTime;
  }

  #readNext(): void {
    const graph = this.#graph;
    let time = 0;
    graph.forEachParent(this.#firsts.length, (parent) => {
      const run = graph.runOf(parent);
      time = Math.max(time, this.#firsts.data[run]! + parent - graph.runStart(run) + 1);
    });
    this.#firsts.push(time);
  }
}
