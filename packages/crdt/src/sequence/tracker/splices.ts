// Changes to a sequence as it stands now, in the order in which they are to be made: what comes out
// of the tracker, and all that a text, a list or a listener wants to know of a merge.
import { IntColumn } from "../../causal/int-column.ts";

/** Insertions and removals, each at a place in what the earlier ones made. */
export class Splices {
  /** How much longer the sequence is afterwards. */
  growth = 0;
  // Three for each: position; how many units come, or, below zero, go; where they are in the log.
  readonly #fields: IntColumn = new IntColumn();

  /** How many splices there are. */
  get count(): number {
    return this.#fields.length / 3;
  }

  /** Where a splice is made. */
  position(index: number): number {
    return this.#fields.data[index * 3]!;
  }

  /** How many units a splice inserts, or, below zero, removes. */
  units(index: number): number {
    return this.#fields.data[index * 3 + 1]!;
  }

  /** Where the units that a splice inserts stand among all units of the log. */
  content(index: number): number {
    return this.#fields.data[index * 3 + 2]!;
  }

  /** Appends an insertion. */
  insert(position: number, units: number, content: number): void {
    this.growth += units;
    const last = this.#fields.length - 3;
    const { data } = this.#fields;
    if (last >= 0 && data[last + 1]! > 0 && data[last]! + data[last + 1]! === position) {
      if (data[last + 2]! + data[last + 1]! === content) {
        data[last + 1]! += units;
        return;
      }
    }
    this.#push(position, units, content);
  }

  /** Appends a removal. */
  remove(position: number, units: number): void {
    this.growth -= units;
    const last = this.#fields.length - 3;
    const { data } = this.#fields;
    if (last >= 0 && data[last + 1]! < 0) {
      const behind = data[last]! === position;
      if (behind || data[last]! === position + units) {
        data[last] = position;
        data[last + 1]! -= units;
        return;
      }
    }
    this.#push(position, -units, 0);
  }

  /** Forgets all of them. */
  clear(): void {
    this.growth = 0;
    this.#fields.length = 0;
  }

  #push(position: number, units: number, content: number): void {
    this.#fields.push(position);
    this.#fields.push(units);
    this.#fields.push(content);
  }
}
