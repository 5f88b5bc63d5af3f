// A list of JSON scalars that several people edit at once: the same sequence as a text, with other
// units. A value has no identity of its own; to change one is to delete it and insert another. Left
// out: moving a value, which needs a register of positions for each (Kleppmann, "Moving Elements in
// List CRDTs", 2020) and stands on this list when it comes.
import type { VersionVector } from "../causal/causal-graph.ts";
import { checkScalar, type Scalar } from "../lattice/scalar.ts";
import { ListContent } from "./list-content.ts";
import { Replica } from "./replica.ts";
import { ReplicatedSequence } from "./replicated-sequence.ts";

/** A replicated list. */
export class List<T extends Scalar = Scalar> extends ReplicatedSequence<ListContent> {
  /** An empty list. For `agent`, see the constructor of a text. */
  constructor(
    agent: string,
    replica: Replica<ListContent> = new Replica(agent, new ListContent()),
  ) {
    super(replica);
  }

  /** A list from `encode`. See `Text.load`. */
  static load<T extends Scalar>(agent: string, bytes: Uint8Array): List<T> {
    const list = new List<T>(agent);
    list.replica.open(bytes);
    return list;
  }

  /**
   * Inserts values before the one at `index`.
   *
   * @throws RangeError for an index that is not in [0, length], TypeError for what is no scalar
   */
  insert(index: number, ...values: readonly T[]): void {
    this.#check(index, 0);
    const checked = values.map(checkScalar);
    if (checked.length === 0) return;
    const { content } = this.replica;
    this.replica.insert(index, checked.length);
    const from = content.column.length;
    for (const value of checked) content.column.push(value);
    content.insert(index, from, checked.length);
    this.replica.onChange?.();
  }

  /**
   * Deletes `count` values from `index` on.
   *
   * @throws RangeError for a range that is not in the list
   */
  delete(index: number, count = 1): void {
    this.#check(index, count);
    if (count === 0) return;
    this.replica.delete(index, count);
    this.replica.content.remove(index, count);
    this.replica.onChange?.();
  }

  /** The value at an index; `undefined` where there is none. */
  get(index: number): T | undefined {
    const isThere = Number.isInteger(index) && index >= 0 && index < this.length;
    return isThere ? (this.replica.content.at(index) as T) : undefined;
  }

  /** All values. */
  toArray(): T[] {
    return this.replica.content.values() as T[];
  }

  /** A copy under another name, which shares nothing with this one. */
  fork(agent: string): List<T> {
    return new List<T>(agent, this.replica.fork(agent));
  }

  /**
   * The list as it was in a version that is known here.
   *
   * @throws RangeError for a version that is not
   */
  at(version: VersionVector): List<T> {
    const past = new List<T>(this.agent);
    past.merge(this.replica.encodeVersion(version));
    return past;
  }

  #check(index: number, count: number): void {
    const isRange = Number.isInteger(index) && Number.isInteger(count) && index >= 0 && count >= 0;
    if (!isRange || index + count > this.length) {
      throw new RangeError(`no ${count} values from ${index} on in a list of ${this.length}`);
    }
  }
}
