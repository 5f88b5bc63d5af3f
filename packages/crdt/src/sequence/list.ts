// A list of JSON scalars that several people edit at once: the same sequence as a text, with other
// units. A value has no identity of its own; to change one is to delete it and insert another.
// Where values are to be moved, or changed as what they are, a movable list (movable-list/) is the
// type.
import type { VersionVector } from "../causal/causal-graph.ts";
import { checkScalar, type Scalar } from "../lattice/scalar.ts";
import { ListContent } from "./list-content.ts";
import { rebase } from "./rebase.ts";
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
   * Recovers what was written here from a document that was compacted without it, when merging one
   * into the other throws `CRDT_COMPACTED`: the document under a new name, in which the insertions
   * of these authors that it lacks, and the deletions, are done again as edits of the new name.
   * This replica stays as it is, and should be used no more.
   *
   * @param agent a name that nobody has had
   * @param document what `encode` gave
   * @param authors whose insertions; when a replica begins each session under a new name, all of
   *   its names. Others bring back their own
   * @throws RangeError for a name that is known, CrdtError if the bytes are not to be trusted
   */
  rebaseOnto(
    agent: string,
    document: Uint8Array,
    authors: Iterable<string> = [this.agent],
  ): List<T> {
    const rebased = List.load<T>(agent, document);
    rebase(this.replica, rebased.replica, new Set(authors));
    return rebased;
  }

  /**
   * The list as it was in a version that is known here.
   *
   * @throws RangeError for a version that is not, CrdtError `CRDT_COMPACTED` for one below the base
   */
  at(version: VersionVector): List<T> {
    const past = new List<T>(this.agent);
    past.replica.openVersion(this.replica, version);
    return past;
  }

  #check(index: number, count: number): void {
    const isRange = Number.isInteger(index) && Number.isInteger(count) && index >= 0 && count >= 0;
    if (!isRange || index + count > this.length) {
      throw new RangeError(`no ${count} values from ${index} on in a list of ${this.length}`);
    }
  }
}
