// What reads differently after an edit or a merge, in steps of which each means the list that the
// earlier ones have made. Gathered while it happens, and only when somebody listens.
import type { Scalar } from "../lattice/scalar.ts";

/** One change of a movable list, as it is read. */
export type MovableListChange<T extends Scalar = Scalar> =
  | { readonly type: "insert"; readonly index: number; readonly values: readonly T[] }
  | { readonly type: "delete"; readonly index: number; readonly count: number }
  /** What stood at `from` stands at `to` now. */
  | { readonly type: "move"; readonly from: number; readonly to: number }
  | { readonly type: "set"; readonly index: number; readonly value: T };

/** Changes in their order. */
export class Changes {
  readonly #list: MovableListChange[] = [];

  /** All of them. */
  get list(): readonly MovableListChange[] {
    return this.#list;
  }

  /** A value has come to stand at an index. */
  insert(index: number, value: Scalar): void {
    const last = this.#list.at(-1);
    if (last?.type === "insert" && last.index + last.values.length === index) {
      (last.values as Scalar[]).push(value);
    } else {
      this.#list.push({ type: "insert", index, values: [value] });
    }
  }

  /** The value at an index has gone. */
  delete(index: number): void {
    const last = this.#list.at(-1);
    if (last?.type === "delete" && last.index === index) {
      this.#list[this.#list.length - 1] = { type: "delete", index, count: last.count + 1 };
    } else {
      this.#list.push({ type: "delete", index, count: 1 });
    }
  }

  /** What stood at an index stands at another one. */
  move(from: number, to: number): void {
    if (from !== to) this.#list.push({ type: "move", from, to });
  }

  /** There is another value at an index. */
  set(index: number, value: Scalar): void {
    this.#list.push({ type: "set", index, value });
  }
}
