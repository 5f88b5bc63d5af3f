// A movable list in a document. Like a text it has a causal graph of its own, in which a step is
// one operation; unlike a text it can undo without looking anything up in its history.
import type { Scalar } from "../lattice/scalar.ts";
import { MovableList } from "../movable-list/movable-list.ts";
import { type MovableReplica, Tag } from "../movable-list/replica.ts";
import type { Vector } from "./counts.ts";
import { rebaseMovableList } from "./movable-list-rebase.ts";
import { MovableListUndo } from "./movable-list-undo.ts";
import { type Gate, isSameVector, type Prepared, Slot, type Undoable } from "./slot.ts";

/** A movable list that is written to only while a change is made. */
class GatedList extends MovableList {
  readonly #gate: Gate;
  readonly #undo: MovableListUndo;

  constructor(agent: string, gate: Gate, undo: MovableListUndo) {
    super(agent);
    this.#gate = gate;
    this.#undo = undo;
  }

  get inner(): MovableReplica {
    return this.replica;
  }

  override insert(index: number, ...values: readonly Scalar[]): void {
    this.#gate.check();
    super.insert(index, ...values);
  }

  override move(from: number, to: number): void {
    this.#gate.check();
    const { elements } = this.replica;
    const element = this.elementAt(from);
    if (element !== undefined) this.#undo.note(this.replica, elements.moverOf(element));
    super.move(from, to);
  }

  override set(index: number, value: Scalar): void {
    this.#gate.check();
    const { elements } = this.replica;
    const element = this.elementAt(index);
    if (element !== undefined) this.#undo.note(this.replica, elements.writerOf(element));
    super.set(index, value);
  }

  override delete(index: number, count = 1): void {
    this.#gate.check();
    super.delete(index, count);
  }
}

/** A movable list. */
export class MovableListSlot extends Slot {
  readonly #undo: MovableListUndo = new MovableListUndo();
  #list: GatedList;
  #subscription: Disposable | undefined;

  constructor(name: string, agent: string, gate: Gate) {
    super(name, Tag.Document, agent, gate);
    this.#list = new GatedList(agent, gate, this.#undo);
  }

  override get bytes(): number {
    return this.#list.inner.bytes;
  }

  get container(): MovableList {
    return this.#list;
  }

  get isTouched(): boolean {
    return this.own > this.counts.of(this.agent);
  }

  get own(): number {
    return this.#list.inner.graph.known(this.agent);
  }

  commit(): Undoable {
    const [from, to] = [this.counts.of(this.agent), this.own];
    return {
      undo: () => this.#undo.undo(this.#list.inner, from, to),
      forget: () => this.#undo.forget(from, to),
    };
  }

  rollBack(): void {
    const isHeard = this.#subscription !== undefined;
    this.listen(false);
    const agreed = this.#list.inner.encodeVersion(this.counts.vector());
    this.#list = new GatedList(this.agent, this.gate, this.#undo);
    this.#list.merge(agreed);
    if (isHeard) this.listen(true);
  }

  since(vector: Vector): Uint8Array {
    return this.#list.encodeSince(vector);
  }

  flush(ownBefore: number): Uint8Array {
    const { graph } = this.#list.inner;
    return this.#list.encodeSince(graph.vector().set(this.agent, ownBefore));
  }

  prepare(bytes: Uint8Array, after: Vector): Prepared {
    return {
      apply: () => {
        const { pending } = this.#list.merge(bytes);
        const isWhole = pending === 0 && isSameVector(this.#list.version, after);
        if (!isWhole) throw this.refuse("other operations than its changes have");
        return [];
      },
    };
  }

  override rebase(mine: MovableListSlot, authors: ReadonlySet<string>): void {
    const [from, onto] = [mine.#list.inner, this.#list.inner];
    const note = (replaced: number): void => this.#undo.note(onto, replaced);
    rebaseMovableList({ from, onto, authors, note });
  }

  encode(): Uint8Array {
    return this.#list.encode();
  }

  load(bytes: Uint8Array): void {
    this.#list.inner.open(bytes);
  }

  digest(): string {
    return this.#list.digest();
  }

  at(vector: Vector): MovableList {
    return this.#list.at(vector);
  }

  listen(on: boolean): void {
    this.#subscription?.[Symbol.dispose]();
    this.#subscription = undefined;
    if (!on) return;
    this.#subscription = this.#list.subscribe((changes) => {
      for (const change of changes) this.gate.heard?.push({ container: this.name, change });
    });
  }
}
