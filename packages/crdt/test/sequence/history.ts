// A text's log without a door: operations of any agent with any parents, as recorded histories have
// them.
import { CausalGraph } from "../../src/causal/causal-graph.ts";
import { OperationLog } from "../../src/sequence/operation-log.ts";
import { Replay } from "../../src/sequence/replay.ts";
import { TextBuffer } from "../../src/sequence/text-buffer.ts";
import { Units } from "../../src/sequence/units.ts";

/** At `position`, `removed` units go, and `inserted` come. */
export type Patch = readonly [position: number, removed: number, inserted: string];

/** What one agent did in one version. */
export interface Transaction {
  readonly agent: string;
  /** The LVs of the operations that it knew of, without their ancestors. */
  readonly parents: readonly number[];
  readonly patches: readonly Patch[];
}

/** A text made of transactions. */
export class History {
  readonly graph: CausalGraph = new CausalGraph();
  readonly log: OperationLog = new OperationLog();
  readonly units: Units = new Units();
  readonly buffer: TextBuffer = new TextBuffer();
  readonly replay: Replay = new Replay(this.graph, this.log);
  #applied = 0;

  /** Adds a transaction to the log; returns the LV of its last operation. */
  add({ agent, parents, patches }: Transaction): number {
    const sorted = parents.toSorted((a, b) => a - b);
    const number = this.graph.agentNumber(agent);
    const count = patches.reduce((sum, [, removed, { length }]) => sum + removed + length, 0);
    let lv = this.graph.add(number, count, sorted);
    for (const [position, removed, inserted] of patches) {
      if (removed > 0) this.log.delete(lv, position, removed);
      lv += removed;
      if (inserted === "") continue;
      this.log.insert(lv, position, inserted.length);
      this.units.append(inserted);
      lv += inserted.length;
    }
    return lv - 1;
  }

  /** The text with all that was added. */
  text(): string {
    this.catchUp();
    return this.buffer.toString();
  }

  /** Makes the changes that were added. */
  catchUp(): void {
    const splices = this.replay.splicesFrom(this.#applied, this.buffer.length);
    for (let i = 0; i < splices.count; i++) {
      const [position, units] = [splices.position(i), splices.units(i)];
      if (units < 0) this.buffer.remove(position, -units);
      else this.buffer.insert(position, this.units.data, splices.content(i), units);
    }
    this.#applied = this.graph.length;
  }
}
