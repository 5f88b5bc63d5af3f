// Texts and lists in a document. They have a causal graph of their own, which counts units where
// the document counts changes. What they hold is read through the door that users know; it opens
// for writing only while a change is made.
import { tagOf } from "../encoding/frame.ts";
import type { Scalar } from "../lattice/scalar.ts";
import type { Content } from "../sequence/content.ts";
import { List } from "../sequence/list.ts";
import type { ListContent } from "../sequence/list-content.ts";
import { rebase } from "../sequence/rebase.ts";
import type { Replica } from "../sequence/replica.ts";
import { Text } from "../sequence/text.ts";
import type { TextContent } from "../sequence/text-content.ts";
import { BASE } from "../sequence/tracker/span-tree.ts";
import type { Vector } from "./counts.ts";
import { Copies, stepsBack } from "./sequence-undo.ts";
import { type Gate, isSameVector, type Prepared, Slot, type Undoable } from "./slot.ts";

/** One splice of a sequence, in the order in which they happened. */
export interface SequenceSplice {
  /** Where, in the sequence that the splices before this one have made. */
  readonly position: number;
  /** How many units went. */
  readonly removed: number;
  /** What came in their place: a string, or values. */
  readonly inserted: string | readonly Scalar[];
}

type Tell = (splice: SequenceSplice) => void;

/** What a document needs of a sequence. */
interface Door<C extends Content> {
  readonly inner: Replica<C>;
  /** What stands in the column. */
  read(from: number, to: number): string | readonly Scalar[];
  /** Inserts what stands in the column, anew. */
  insertAgain(position: number, from: number, to: number): void;
  delete(position: number, count: number): void;
  digest(): string;
}

/** A text in a document. */
export class TextDoor extends Text implements Door<TextContent> {
  readonly #gate: Gate;
  readonly #tell: Tell;

  constructor(agent: string, gate: Gate, tell: Tell) {
    super(agent);
    this.#gate = gate;
    this.#tell = tell;
  }

  get inner(): Replica<TextContent> {
    return this.replica;
  }

  override insert(position: number, text: string): void {
    this.#gate.check();
    super.insert(position, text);
    if (text.length > 0) this.#tell({ position, removed: 0, inserted: text });
  }

  override delete(position: number, count: number): void {
    this.#gate.check();
    super.delete(position, count);
    if (count > 0) this.#tell({ position, removed: count, inserted: "" });
  }

  read(from: number, to: number): string {
    return this.replica.content.units.slice(from, to);
  }

  insertAgain(position: number, from: number, to: number): void {
    this.insert(position, this.read(from, to));
  }
}

// A call that is given more arguments at once may overflow the stack.
const ARGUMENTS_MAX = 4_096;

/** A list in a document. */
export class ListDoor extends List implements Door<ListContent> {
  readonly #gate: Gate;
  readonly #tell: Tell;

  constructor(agent: string, gate: Gate, tell: Tell) {
    super(agent);
    this.#gate = gate;
    this.#tell = tell;
  }

  get inner(): Replica<ListContent> {
    return this.replica;
  }

  override insert(index: number, ...values: readonly Scalar[]): void {
    this.#gate.check();
    super.insert(index, ...values);
    if (values.length > 0) this.#tell({ position: index, removed: 0, inserted: values });
  }

  override delete(index: number, count = 1): void {
    this.#gate.check();
    super.delete(index, count);
    if (count > 0) this.#tell({ position: index, removed: count, inserted: [] });
  }

  read(from: number, to: number): readonly Scalar[] {
    return this.replica.content.column.slice(from, to);
  }

  insertAgain(position: number, from: number, to: number): void {
    for (let at = from; at < to; at += ARGUMENTS_MAX) {
      this.insert(position + at - from, ...this.read(at, Math.min(to, at + ARGUMENTS_MAX)));
    }
  }
}

/** Makes an empty sequence with its door. */
export type MakeDoor<C extends Content> = (tell: Tell) => Door<C>;

/** A text or a list. */
export class SequenceSlot<C extends Content> extends Slot {
  readonly #make: MakeDoor<C>;
  readonly #copies: Copies = new Copies();
  readonly #tell: Tell;
  #door: Door<C>;

  constructor(name: string, agent: string, gate: Gate, make: MakeDoor<C>) {
    const tell: Tell = (change) => gate.heard?.push({ container: name, change });
    const door = make(tell);
    super(name, door.inner.content.tags.document, agent, gate);
    this.#make = make;
    this.#tell = tell;
    this.#door = door;
  }

  override get bytes(): number {
    return this.#door.inner.bytes;
  }

  get container(): unknown {
    return this.#door;
  }

  get isTouched(): boolean {
    return this.own > this.counts.of(this.agent);
  }

  get own(): number {
    return this.#door.inner.graph.known(this.agent);
  }

  commit(): Undoable {
    const [from, to] = [this.counts.of(this.agent), this.own];
    return { undo: () => this.#undo(from, to), forget: () => {} };
  }

  rollBack(): void {
    const isHeard = this.#door.inner.onMerge !== undefined;
    const { inner } = this.#door;
    this.#door = this.#make(this.#tell);
    this.#door.inner.openVersion(inner, this.counts.vector());
    if (isHeard) this.listen(true);
  }

  since(vector: Vector): Uint8Array {
    return this.#door.inner.encodeSince(vector);
  }

  flush(ownBefore: number): Uint8Array {
    const { inner } = this.#door;
    return inner.encodeSince(inner.graph.vector().set(this.agent, ownBefore));
  }

  prepare(bytes: Uint8Array, after: Vector): Prepared {
    // A whole one might take the place of what is here, and then there would be no way back.
    const { tags } = this.#door.inner.content;
    if (tagOf(bytes) !== tags.update) throw this.refuse("no update");
    return {
      apply: () => {
        const { inner } = this.#door;
        inner.merge(bytes);
        const isWhole = inner.pending === 0 && isSameVector(inner.graph.vector(), after);
        if (!isWhole) throw this.refuse("other operations than its changes have");
        return [];
      },
    };
  }

  override prepareWhole(bytes: Uint8Array, after: Vector): Prepared {
    const { inner } = this.#make(() => {});
    inner.open(bytes);
    if (!isSameVector(inner.graph.vector(), after)) {
      throw this.refuse("other operations than its changes have");
    }
    return {
      apply: () => {
        this.#door.inner.adopt(inner);
        return [];
      },
    };
  }

  override compact(version: Vector): void {
    this.#door.inner.compact(version);
  }

  override rebase(mine: SequenceSlot<C>, authors: ReadonlySet<string>): void {
    rebase(mine.#door.inner, this.#door.inner, authors);
  }

  encode(): Uint8Array {
    return this.#door.inner.encode(true);
  }

  load(bytes: Uint8Array): void {
    this.#door.inner.open(bytes);
  }

  digest(): string {
    return this.#door.digest();
  }

  at(vector: Vector): unknown {
    const past = this.#make(() => {});
    past.inner.openVersion(this.#door.inner, vector);
    return past;
  }

  listen(on: boolean): void {
    this.#door.inner.onMerge = on ? this.#hear : undefined;
  }

  readonly #hear: NonNullable<Replica<C>["onMerge"]> = (splices) => {
    for (let i = 0; i < splices.count; i++) {
      const [units, from] = [splices.units(i), splices.content(i)];
      const inserted = this.#door.read(from, from + Math.max(0, units));
      const change = { position: splices.position(i), removed: Math.max(0, -units), inserted };
      this.gate.heard?.push({ container: this.name, change });
    }
  };

  #undo(from: number, to: number): void {
    const { inner } = this.#door;
    const { graph, log } = inner;
    const known = { graph, log, length: inner.content.length, copies: this.#copies };
    for (const { position, content, count, unit } of stepsBack(known, this.agent, from, to)) {
      if (content === undefined) {
        this.#door.delete(position, count);
        continue;
      }
      const first = this.own;
      this.#door.insertAgain(position, content, content + count);
      // Whatever inserted a unit of the base cannot be undone any more.
      if (unit >= BASE) continue;
      const run = graph.runOf(unit);
      const agent = graph.agents[graph.runAgent(run)]!;
      if (agent !== this.agent) continue;
      for (let i = 0; i < count; i++) this.#copies.add(agent, graph.seqOf(unit + i), first + i);
    }
  }
}
