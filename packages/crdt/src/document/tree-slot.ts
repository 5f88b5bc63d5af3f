// A tree of nodes that move, in a document. Moves are dots, and the log has all of them since the
// document was compacted; its past and the opposite of every move can be read from there.
import { MovableTree, type TreeChange } from "../tree/movable-tree.ts";
import { compareMoves, type Move, ROOT, TRASH } from "../tree/move.ts";
import { TreeDelta } from "../tree/tree-delta.ts";
import type { Vector } from "./counts.ts";
import { contextOf, type Gate, type Prepared, Slot, type Undoable } from "./slot.ts";

/** The number of the type in bytes; see tree/tree-delta.ts. */
const TAG = 15;

/** A tree that is moved in only while a change is made. */
class GatedTree extends MovableTree {
  readonly #gate: Gate;

  constructor(agent: string, gate: Gate) {
    super(agent);
    this.#gate = gate;
  }

  override add(parent?: string, index?: number): TreeDelta {
    this.#gate.check();
    return super.add(parent, index);
  }

  override move(node: string, parent?: string, index?: number): TreeDelta {
    this.#gate.check();
    return super.move(node, parent, index);
  }

  override delete(node: string): TreeDelta {
    this.#gate.check();
    return super.delete(node);
  }
}

/** A movable tree. */
export class TreeSlot extends Slot {
  #tree: MovableTree;
  #subscription: Disposable | undefined;

  constructor(name: string, agent: string, gate: Gate) {
    super(name, TAG, agent, gate);
    this.#tree = new GatedTree(agent, gate);
  }

  get container(): MovableTree {
    return this.#tree;
  }

  get isTouched(): boolean {
    return this.own > this.counts.of(this.agent);
  }

  get own(): number {
    return this.#tree.version.next(this.agent) - 1;
  }

  commit(): Undoable {
    const [from, to] = [this.counts.of(this.agent), this.own];
    return { undo: () => this.#undo(from, to), forget: () => {} };
  }

  rollBack(): void {
    const isHeard = this.#subscription !== undefined;
    this.#tree = this.#made(this.counts.vector());
    this.#subscription = undefined;
    if (isHeard) this.listen(true);
  }

  since(vector: Vector): Uint8Array {
    return this.#tree.since(contextOf(vector)).encode();
  }

  flush(ownBefore: number): Uint8Array {
    const seen = this.#tree.version;
    const own = new Map([[this.agent, this.own]]);
    const before = seen.minus(contextOf(own));
    before.join(contextOf(new Map([[this.agent, ownBefore]])));
    return this.#tree.since(before).encode();
  }

  prepare(bytes: Uint8Array, after: Vector): Prepared {
    const delta = TreeDelta.decode(bytes);
    if (delta.base !== undefined) throw this.refuse("a tree that was compacted");
    return this.#prepare(delta, after);
  }

  override prepareWhole(bytes: Uint8Array, after: Vector): Prepared {
    return this.#prepare(TreeDelta.decode(bytes), after);
  }

  #prepare(delta: TreeDelta, after: Vector): Prepared {
    const context = this.#tree.version;
    context.join(delta.context);
    if (!context.equals(contextOf(after))) throw this.refuse("other moves than its changes have");
    return {
      apply: () => {
        this.#tree.join(delta);
        return [];
      },
    };
  }

  encode(): Uint8Array {
    return this.#tree.encode();
  }

  load(bytes: Uint8Array): void {
    this.prepareWhole(bytes, this.counts.vector()).apply(() => false);
  }

  override compact(version: Vector): void {
    this.#tree.compact(contextOf(version));
  }

  digest(): string {
    return this.#tree.digest();
  }

  at(vector: Vector): MovableTree {
    return this.#made(vector);
  }

  listen(on: boolean): void {
    this.#subscription?.[Symbol.dispose]();
    const hear = (changes: readonly TreeChange[]): void => {
      for (const change of changes) this.gate.heard?.push({ container: this.name, change });
    };
    this.#subscription = on ? this.#tree.subscribe(hear) : undefined;
  }

  #made(vector: Vector): MovableTree {
    const tree = new GatedTree(this.agent, this.gate);
    const { moves, base } = this.#tree.state();
    const then = moves.filter((it) => it.counter <= (vector.get(it.replica) ?? 0));
    tree.join(new TreeDelta(then, base));
    return tree;
  }

  // The last move first: each goes back to where the one before it had put the node. A node that
  // somebody has moved since, or at the same time, is left to him.
  #undo(from: number, to: number): void {
    for (let counter = to; counter > from; counter--) {
      const { moves, base } = this.#tree.state();
      const at = moves.findIndex((it) => it.replica === this.agent && it.counter === counter);
      const { node } = moves[at]!;
      if (moves.slice(at + 1).some((it) => it.node === node && !this.#isOwn(it))) continue;
      const last = moves.findLast((it) => it.node === node)!;
      if (last.parent !== moves[at]!.parent || last.position !== moves[at]!.position) continue;
      const earlier = [...(base?.moves ?? []), ...moves.slice(0, at)];
      const before = earlier.findLast((it) => it.node === node);
      this.#goBack(node, before, moves.at(-1)!.time);
    }
  }

  #goBack(node: string, before: Move | undefined, time: number): void {
    const tree = this.#tree;
    if (before === undefined || before.parent === TRASH) {
      // What others have put below the node since would go with it.
      if (!tree.has(node) || this.#holdsOthers(node, before)) return;
      tree.delete(node);
      return;
    }
    const { parent, position } = before;
    if (parent !== ROOT && !tree.has(parent)) return;
    if (tree.has(node) && isBelow(tree, parent, node)) return;
    const move: Move = {
      time: time + 1,
      replica: this.agent,
      counter: this.own + 1,
      node,
      parent,
      position,
    };
    tree.join(new TreeDelta([move]));
  }

  #holdsOthers(node: string, since: Move | undefined): boolean {
    const tree = this.#tree;
    return tree.state().moves.some((it) => {
      const isLater = since === undefined || compareMoves(it, since) > 0;
      if (this.#isOwn(it) || !isLater || it.node === node) return false;
      return tree.has(it.node) && isBelow(tree, it.node, node);
    });
  }

  #isOwn({ replica }: Move): boolean {
    return replica === this.agent;
  }
}

function isBelow(tree: MovableTree, node: string, above: string): boolean {
  for (let at: string | undefined = node; at !== undefined; at = tree.parent(at)) {
    if (at === above) return true;
  }
  return false;
}
