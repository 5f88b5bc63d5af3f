// What was done to a movable list, in the order in which this replica learned of it: for each
// operation of the causal graph one step. Where a step puts a place stands in the operation log of
// the places (sequence/operation-log.ts); here is what it was done to, and with what.
//
//   Insert   puts a place, and with it a new element that has a value
//   Move     puts a place for an element
//   Set      gives an element a value
//   Delete   deletes an element
//   Restore  takes back a deletion, which is an own one: others have no say in it
//
// An element is named by its insertion, a deletion by itself.
import { IntColumn } from "../causal/int-column.ts";
import type { Scalar } from "../lattice/scalar.ts";

/** A step by its name in the world. */
export interface StepId {
  readonly agent: string;
  readonly seq: number;
}

/** What a step does. */
export const What = { Insert: 0, Move: 1, Set: 2, Delete: 3, Restore: 4 } as const;

/** How many kinds of steps there are. */
export const WHATS = 5;

/** Whether a step puts a place. */
export const hasPlace = (what: number): boolean => what <= What.Move;
/** Whether a step is about what another has made. */
export const hasTarget = (what: number): boolean => what !== What.Insert;
/** Whether a step brings a value. */
export const hasValue = (what: number): boolean => what === What.Insert || what === What.Set;

/** Steps by LV, without a gap; runs of like ones share a row. */
export class Steps {
  /** How many there are: the next LV. */
  length = 0;
  readonly #lvs: IntColumn = new IntColumn();
  readonly #whats: IntColumn = new IntColumn();
  // Where a row's targets and values begin.
  readonly #targetStarts: IntColumn = new IntColumn();
  readonly #valueStarts: IntColumn = new IntColumn();
  readonly #targets: IntColumn = new IntColumn();
  readonly #values: Scalar[] = [];

  /** The bytes that it holds on to, about. */
  get bytes(): number {
    const rows = [this.#lvs, this.#whats, this.#targetStarts, this.#valueStarts, this.#targets];
    return rows.reduce((sum, column) => sum + column.bytes, 8 * this.#values.length);
  }

  /** The row that a step is in. */
  rowOf(lv: number): number {
    const last = this.#lvs.length - 1;
    return lv >= this.#lvs.data[last]! ? last : this.#lvs.floor(lv);
  }

  /** The LV behind a row. */
  endOf(row: number): number {
    return row + 1 < this.#lvs.length ? this.#lvs.data[row + 1]! : this.length;
  }

  /** What the steps of a row do. */
  whatOf(row: number): number {
    return this.#whats.data[row]!;
  }

  /** What a step does. */
  whatAt(lv: number): number {
    return this.whatOf(this.rowOf(lv));
  }

  /** What a step was done to: the LV of an insertion, or of a deletion. */
  targetAt(lv: number): number {
    const row = this.rowOf(lv);
    return this.#targets.data[this.#targetStarts.data[row]! + lv - this.#lvs.data[row]!]!;
  }

  /** The value that a step brought. */
  valueAt(lv: number): Scalar {
    const row = this.rowOf(lv);
    return this.#values[this.#valueStarts.data[row]! + lv - this.#lvs.data[row]!]!;
  }

  /** Adds one step. `target` and `value` mean something where it has them. */
  push(what: number, target: number, value: Scalar): void {
    const last = this.#lvs.length - 1;
    if (last < 0 || this.#whats.data[last] !== what) {
      this.#lvs.push(this.length);
      this.#whats.push(what);
      this.#targetStarts.push(this.#targets.length);
      this.#valueStarts.push(this.#values.length);
    }
    if (hasTarget(what)) this.#targets.push(target);
    if (hasValue(what)) this.#values.push(value);
    this.length++;
  }

  /** Forgets the steps from this LV on. */
  truncate(lv: number): void {
    while (this.#lvs.length > 0 && this.endOf(this.#lvs.length - 1) > lv) {
      const row = this.#lvs.length - 1;
      const kept = Math.max(0, lv - this.#lvs.data[row]!);
      const what = this.#whats.data[row]!;
      this.#targets.length = this.#targetStarts.data[row]! + (hasTarget(what) ? kept : 0);
      this.#values.length = this.#valueStarts.data[row]! + (hasValue(what) ? kept : 0);
      this.length = this.#lvs.data[row]! + kept;
      if (kept > 0) return;
      for (const column of [this.#lvs, this.#whats, this.#targetStarts, this.#valueStarts]) {
        column.length--;
      }
    }
  }
}
