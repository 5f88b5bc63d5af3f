// A list whose elements are moved and set as what they are. In a list that can only insert and
// delete, to move a value is to delete it and insert another: two who move one at the same time
// have it twice, and what a third writes into it meanwhile is lost. Here an element keeps its name
// for life. Where it stands is a register, what it says is another, and the last writer wins in
// each:
//
//   places     a   b   c   ·   ·       "·" is put by a move of a to behind c, and by another,
//   registers  a→4     b→1     c→2     made at the same time. Both are there; the register says
//   shown          b   c   ·   a       which one shows a. So a is there, and once
//
//   moved by two        it stands where the later of the two has put it
//   set by two          it says what the later of the two has written
//   moved and set       it is both
//   deleted             it stays deleted, whoever moves or sets it at the same time: a deletion is
//                       meant for the element, not for its place. Who undoes his own deletion takes
//                       back that one, and the element is there again when nobody else's is left,
//                       with all that was done to it meanwhile
//
// "Later" is Lamport's: a step is later than all that its author knew. Of two who did not know of
// each other the one with the longer past is later, and then the one with the greater name.
//
// Reference: Kleppmann, "Moving Elements in List CRDTs" (PaPoC 2020), on a list in Fugue's order.
// Left out: moving a range as one, which the paper leaves open, too; elements that are moved one
// after the other, each behind the last, stay together. Places are kept for good: of a move some 40
// bytes stay.
import type { VersionVector } from "../causal/causal-graph.ts";
import { ByteWriter } from "../encoding/byte-writer.ts";
import { writeScalar } from "../encoding/scalars.ts";
import { digestOf } from "../lattice/digest.ts";
import { checkScalar, compareStrings, type Scalar } from "../lattice/scalar.ts";
import { Listeners } from "../listeners.ts";
import type { Anchor } from "../sequence/anchor.ts";
import type { MergeResult } from "../sequence/replica.ts";
import type { MovableListChange } from "./changes.ts";
import { MovableReplica } from "./replica.ts";
import { What } from "./steps.ts";

/** What a movable list shows of itself. */
export interface MovableListStats {
  /** How many updates wait for others on which they depend. */
  readonly pending: number;
  /** How many operations the tracker holds: 0, but while there is concurrency. */
  readonly windowLength: number;
  /** How many places there are: one for each insertion and each move. */
  readonly places: number;
  /** How many bytes the columns take, about. */
  readonly bytes: number;
}

/** Told what reads differently, in steps of which each means what the earlier ones have made. */
export type MovableListListener<T extends Scalar = Scalar> = (
  changes: readonly MovableListChange<T>[],
) => void;

/** A replicated list whose elements can be moved and set. */
export class MovableList<T extends Scalar = Scalar> {
  /** For the doors. */
  protected readonly replica: MovableReplica;
  readonly #listeners: Listeners<readonly MovableListChange<T>[]> = new Listeners();
  readonly #watchers: Listeners<true> = new Listeners();

  /**
   * An empty list.
   *
   * @param agent 1 to 64 printable ASCII characters. No two replicas may ever have the same name,
   *   nor one replica after it has lost what it had sent.
   */
  constructor(agent: string, replica: MovableReplica = new MovableReplica(agent)) {
    this.replica = replica;
  }

  /**
   * A list from {@link MovableList.encode}.
   *
   * @throws CrdtError if the bytes are not to be trusted
   */
  static load<T extends Scalar>(agent: string, bytes: Uint8Array): MovableList<T> {
    const list = new MovableList<T>(agent);
    list.replica.open(bytes);
    return list;
  }

  /** The name under which this replica edits. */
  get agent(): string {
    return this.replica.agent;
  }

  /** How many values there are. */
  get length(): number {
    return this.replica.places.shown;
  }

  /** For each agent, how many of its operations are known here. */
  get version(): ReadonlyMap<string, number> {
    return this.replica.graph.vector();
  }

  /** What waits, and what is held. */
  get stats(): MovableListStats {
    const { pending, windowLength, bytes, places } = this.replica;
    return { pending, windowLength, places: places.length, bytes };
  }

  /**
   * Inserts values before the one at `index`.
   *
   * @throws RangeError for an index that is not in [0, length], TypeError for what is no scalar
   */
  insert(index: number, ...values: readonly T[]): void {
    this.#check(index, 0);
    const checked = values.map(checkScalar);
    if (checked.length > 0) this.replica.insert(this.#placeBefore(index), checked);
  }

  /** Inserts values behind the last. */
  push(...values: readonly T[]): void {
    this.insert(this.length, ...values);
  }

  /**
   * Moves the element at `from`, so that it is the one at `to`. O(log n), as everything that names
   * one element.
   *
   * @throws RangeError for an index that is not in the list
   */
  move(from: number, to: number): void {
    this.#check(from, 1);
    this.#check(to, 1);
    if (from === to) return;
    this.replica.move(this.elementAt(from)!, this.#placeBefore(to > from ? to + 1 : to));
  }

  /**
   * Gives the element at an index another value. It stays the same element: whoever moves it
   * meanwhile moves the new value.
   *
   * @throws RangeError for an index that is not in the list, TypeError for what is no scalar
   */
  set(index: number, value: T): void {
    this.#check(index, 1);
    this.replica.set(this.elementAt(index)!, checkScalar(value));
  }

  /**
   * Deletes `count` elements from `index` on.
   *
   * @throws RangeError for a range that is not in the list
   */
  delete(index: number, count = 1): void {
    this.#check(index, count);
    this.replica.together(() => {
      for (let left = count; left > 0; left--) this.replica.delete(this.elementAt(index)!);
    });
  }

  /** The value at an index; `undefined` where there is none. */
  get(index: number): T | undefined {
    const element = this.elementAt(index);
    return element === undefined ? undefined : (this.replica.elements.valueOf(element) as T);
  }

  /** All values. */
  toArray(): T[] {
    return [...this];
  }

  /** The values in their order. */
  *[Symbol.iterator](): Generator<T> {
    const { elements, places } = this.replica;
    for (const place of places) yield elements.valueOf(elements.at(place)) as T;
  }

  /**
   * A place that survives edits: `before` the element at `index`, or `after` the one to its left.
   * It goes where the element goes. It is plain data, and means the same on every replica.
   *
   * @throws RangeError for an index that is not in [0, length]
   */
  anchorAt(index: number, side: "before" | "after" = "before"): Anchor {
    this.#check(index, 0);
    const at = side === "before" ? index : index - 1;
    if (at < 0) return { end: "start" };
    if (at >= this.length) return { end: "end" };
    const { elements } = this.replica;
    return { ...this.replica.nameOf(elements.insertionOf(this.elementAt(at)!)), side };
  }

  /**
   * The index of an anchor now. If its element was deleted, that of what stands behind it.
   * `undefined` if this replica does not know the element.
   */
  positionOf(anchor: Anchor): number | undefined {
    if ("end" in anchor) return anchor.end === "start" ? 0 : this.length;
    const { elements, places, steps } = this.replica;
    const lv = this.replica.find(anchor);
    if (lv < 0 || steps.whatAt(lv) !== What.Insert) return undefined;
    const element = elements.madeBy(lv);
    const index = places.shownBefore(elements.placeOf(element));
    return anchor.side === "after" && elements.isAlive(element) ? index + 1 : index;
  }

  /**
   * Takes in an update or a whole list of another replica; each may come in any order and any
   * number of times.
   *
   * @throws CrdtError if the bytes are not to be trusted, or too many updates wait; nothing changes
   */
  merge(bytes: Uint8Array): MergeResult {
    return this.replica.merge(bytes);
  }

  /** What a replica of that version lacks, as an update to merge. */
  encodeSince(version: VersionVector): Uint8Array<ArrayBuffer> {
    return this.replica.encodeSince(version);
  }

  /** What was edited here since the last call, as an update to send; `undefined` for nothing. */
  flush(): Uint8Array<ArrayBuffer> | undefined {
    return this.replica.flush();
  }

  /** Everything: the list and its history. */
  encode(): Uint8Array<ArrayBuffer> {
    return this.replica.encode();
  }

  /** A copy under another name, which shares nothing with this one. */
  fork(agent: string): MovableList<T> {
    return new MovableList<T>(agent, this.replica.fork(agent));
  }

  /**
   * The list as it was in a version that is known here.
   *
   * @throws RangeError for a version that is not
   */
  at(version: VersionVector): MovableList<T> {
    const past = new MovableList<T>(this.agent);
    past.merge(this.replica.encodeVersion(version));
    return past;
  }

  /**
   * A fingerprint of what is known and what that makes. Replicas that know the same operations have
   * the same one, and if they do not, one of them is broken.
   */
  digest(): string {
    const writer = new ByteWriter();
    const agents = [...this.version].sort(([a], [b]) => compareStrings(a, b));
    writer.number(agents.length);
    for (const [agent, count] of agents) {
      writer.string(agent);
      writer.number(count);
    }
    writer.number(this.length);
    for (const value of this) writeScalar(writer, value);
    return digestOf(writer.take());
  }

  /** Has changes told, of here and of elsewhere, until disposed. */
  subscribe(listener: MovableListListener<T>): Disposable {
    const listening = this.#listeners.add(listener);
    this.replica.onChanges = (changes) => {
      this.#listeners.tell(changes as readonly MovableListChange<T>[]);
    };
    return {
      [Symbol.dispose]: () => {
        listening[Symbol.dispose]();
        if (this.#listeners.size === 0) this.replica.onChanges = undefined;
      },
    };
  }

  /**
   * Calls back after each edit here, and each merge that brought something, until disposed. It says
   * neither what nor where, and costs nothing else.
   */
  onChange(listener: () => void): Disposable {
    const listening = this.#watchers.add(() => listener());
    this.replica.onChange = () => this.#watchers.tell(true);
    return {
      [Symbol.dispose]: () => {
        listening[Symbol.dispose]();
        if (this.#watchers.size === 0) this.replica.onChange = undefined;
      },
    };
  }

  /** The element at an index; `undefined` where there is none. */
  protected elementAt(index: number): number | undefined {
    const { elements, places } = this.replica;
    const isThere = Number.isInteger(index) && index >= 0 && index < places.shown;
    return isThere ? elements.at(places.atShown(index)) : undefined;
  }

  // Right behind what is shown before: a text is typed in the same way.
  #placeBefore(index: number): number {
    const { places } = this.replica;
    return index === 0 ? 0 : places.indexOf(places.atShown(index - 1)) + 1;
  }

  #check(index: number, count: number): void {
    const isRange = Number.isInteger(index) && Number.isInteger(count) && index >= 0 && count >= 0;
    if (!isRange || index + count > this.length) {
      throw new RangeError(`no ${count} elements from ${index} on in a list of ${this.length}`);
    }
  }
}
