// A tree whose nodes can be moved by everybody at once, and that is a tree all the same: no cycle,
// no node in two places, none lost. See move-log.ts for how, and for the paper. Of two moves of
// one node the later wins; of two that together would make a cycle the later has no effect; what
// is moved into a node that is deleted at the same time is deleted with it, and what was moved out
// of it is not.
//
// Left out: what a node holds. An add-wins map keyed by the names of nodes is the place for that.
import { CrdtError } from "../errors.ts";
import { CausalContext } from "../lattice/context.ts";
import { digestOf } from "../lattice/digest.ts";
import { checkReplica } from "../lattice/scalar.ts";
import { Listeners } from "../listeners.ts";
import { compareMoves, type Move, nodeOf, ROOT, TRASH } from "./move.ts";
import { type Moved, MoveLog, NONE, ROOT_NODE } from "./move-log.ts";
import { positionBetween } from "./position.ts";
import { Siblings } from "./siblings.ts";
import { compareHorizon } from "./tree-codec.ts";
import { type Base, laterBase, TreeDelta } from "./tree-delta.ts";
import { bodyOfNodes } from "./tree-digest.ts";

/** A node that has come to stand elsewhere. */
export interface TreeChange {
  /** Which node. */
  readonly node: string;
  /** Its parent before; undefined when it did not exist. */
  readonly before: string | undefined;
  /** Its parent now: the same, when it has another place among its siblings. */
  readonly after: string | undefined;
}

/** A node with what is below it, as JSON. */
export interface TreeJson {
  /** Which node. */
  readonly node: string;
  /** Those below it, in their order. */
  readonly children: readonly TreeJson[];
}

/** A replicated tree of nodes that move. */
export class MovableTree {
  /** The name of this replica. */
  readonly replica: string;
  #log: MoveLog = new MoveLog();
  #siblings: Siblings = new Siblings(this.#log);
  readonly #context: CausalContext = new CausalContext();
  #base: Base | undefined;
  readonly #listeners: Listeners<readonly TreeChange[]> = new Listeners();

  constructor(at: string | { readonly replica: string }) {
    this.replica = checkReplica(typeof at === "string" ? at : at.replica);
  }

  /** The dots of the moves that this tree has. */
  get version(): CausalContext {
    return this.#context.copy();
  }

  /** How many moves it has in its log: those that a late one could still undo, and the base. */
  get logLength(): number {
    return this.#log.length;
  }

  /** Whether the node is part of the tree: neither deleted nor unknown. Takes time in its depth. */
  has(node: string): boolean {
    const number = this.#log.numberOf(node);
    return number !== undefined && number !== ROOT_NODE && this.#log.isAbove(ROOT_NODE, number);
  }

  /** The parent of a node; undefined for what is not part of the tree, and for the root. */
  parent(node: string): string | undefined {
    if (!this.has(node)) return undefined;
    return this.#log.nameOf(this.#log.parentOf(this.#log.numberOf(node)!));
  }

  /** The children of a node in their order; those of the root without an argument. */
  children(parent: string = ROOT): string[] {
    const number = this.#log.numberOf(parent);
    if (number === undefined || !(parent === ROOT || this.has(parent))) return [];
    return this.#siblings.of(number).map((node) => this.#log.nameOf(node));
  }

  /** Every node, parents before their children, in the order of the tree. */
  *[Symbol.iterator](): Generator<string> {
    const stack = [...this.#siblings.of(ROOT_NODE)].reverse();
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      yield this.#log.nameOf(node);
      for (const child of this.#siblings.of(node).toReversed()) stack.push(child);
    }
  }

  /** Adds a node at a place among the children of another, at the end without; see `delta.node`. */
  add(parent: string = ROOT, index?: number): TreeDelta {
    const node = nodeOf(this.replica, this.#context.next(this.replica));
    return this.#make(node, this.#checkParent(parent), index);
  }

  /**
   * Moves a node with all that is below it to a place among the children of another, counted
   * without the node itself.
   *
   * @throws RangeError when it would come to stand below itself
   */
  move(node: string, parent: string = ROOT, index?: number): TreeDelta {
    this.#checkNode(node);
    this.#checkParent(parent);
    if (this.#log.isAbove(this.#log.numberOf(node)!, this.#log.numberOf(parent)!)) {
      throw new RangeError(`${node} cannot be moved below itself, to ${parent}`);
    }
    return this.#make(node, parent, index);
  }

  /** Deletes a node with all that is below it. */
  delete(node: string): TreeDelta {
    this.#checkNode(node);
    return this.#commit(node, TRASH, "");
  }

  /**
   * Joins what another tree tells, as a delta or as bytes, and returns whether it was news.
   *
   * @throws CrdtError when it is not whole, or `CRDT_COMPACTED` when it speaks of moves among those
   * that were compacted away; nothing has changed then
   */
  join(told: TreeDelta | Uint8Array): boolean {
    const delta = told instanceof TreeDelta ? told : TreeDelta.decode(told);
    const { base } = delta;
    if (base !== undefined && !this.#context.covers(base.context)) return this.#adopt(delta, base);
    const news = delta.moves.filter(({ replica, counter }) => !this.#context.has(replica, counter));
    const [first] = news;
    if (first === undefined) return false;
    this.#checkAbove(this.#base, first);
    const moved = this.#log.insert(news);
    this.#context.join(new TreeDelta(news).context);
    this.#update(moved);
    return true;
  }

  /** All of the tree. */
  state(): TreeDelta {
    return new TreeDelta([...this.#log.moves(this.#log.settled)], this.#base);
  }

  /** What a tree of that version lacks; all, when a part of that was compacted away. */
  since(version: CausalContext): TreeDelta {
    if (this.#base !== undefined && !version.covers(this.#base.context)) return this.state();
    return new TreeDelta(this.#log.movesOf(this.#context.minus(version)));
  }

  /** Whether both have the same moves, and so are the same tree. */
  equals(other: MovableTree): boolean {
    return this.digest() === other.digest();
  }

  /** A fingerprint, 32 hexadecimal digits; equal exactly if the trees are, compacted or not. */
  digest(): string {
    return digestOf(bodyOfNodes(this.#log, this.#context));
  }

  /** The bytes of the tree; `join` reads them. */
  encode(): Uint8Array<ArrayBuffer> {
    return this.state().encode();
  }

  /**
   * Lets go the moves that no other can come before any more; digests stay as they are. `stable`
   * has the dots of which this replica knows that every replica had seen them when it made a state
   * that has been joined here. There is nothing to tell the others.
   */
  compact(stable: CausalContext): undefined {
    let length = this.#log.settled;
    for (const { replica, counter } of this.#log.moves(length)) {
      if (!stable.has(replica, counter)) break;
      length++;
    }
    if (length === this.#log.settled) return;
    const kept = [...this.#log.moves(length)];
    const context = this.#context.minus(new TreeDelta(kept).context);
    const { time, replica, counter } = this.#log.moveAt(length - 1);
    const moves = this.#log.inForce(length);
    this.#rebuild(kept, { moves, context, horizon: { time, replica, counter } });
  }

  /** Calls back after each move or join that moves a node, until it is disposed. */
  subscribe(listener: (changes: readonly TreeChange[]) => void): Disposable {
    return this.#listeners.add(listener);
  }

  /** The tree, from the children of the root on. */
  toJSON(): TreeJson[] {
    const top: TreeJson[] = [];
    const lists = new Map<string, TreeJson[]>([[ROOT, top]]);
    for (const node of this) {
      const children: TreeJson[] = [];
      lists.set(node, children);
      lists.get(this.parent(node)!)!.push({ node, children });
    }
    return top;
  }

  #checkNode(node: string): void {
    if (!this.has(node)) throw new RangeError(`there is no node ${JSON.stringify(node)}`);
  }

  #checkParent(parent: string): string {
    if (parent !== ROOT) this.#checkNode(parent);
    return parent;
  }

  #make(node: string, parent: string, index: number | undefined): TreeDelta {
    const siblings = this.#siblings.of(this.#log.numberOf(parent)!);
    // Where the node stands already, it is not its own neighbour.
    const own = this.parent(node) === parent ? siblings.indexOf(this.#log.numberOf(node)!) : -1;
    const length = siblings.length - (own === -1 ? 0 : 1);
    const at = index ?? length;
    if (!(Number.isInteger(at) && at >= 0 && at <= length)) {
      throw new RangeError(`index must be an integer in [0, ${length}], got ${index}`);
    }
    const positionAt = (place: number): string | undefined => {
      const sibling = siblings[own !== -1 && place >= own ? place + 1 : place];
      return sibling === undefined ? undefined : this.#siblings.positionOf(sibling);
    };
    const before = at === 0 ? undefined : positionAt(at - 1);
    return this.#commit(node, parent, positionBetween(before, positionAt(at)));
  }

  #commit(node: string, parent: string, position: string): TreeDelta {
    const counter = this.#context.next(this.replica);
    const last = Math.max(this.#log.lastTime, this.#base?.horizon.time ?? 0);
    const move = { time: last + 1, replica: this.replica, counter, node, parent, position };
    const moved = this.#log.insert([move]);
    this.#context.add(this.replica, counter);
    this.#update(moved);
    return new TreeDelta([move]);
  }

  #update(moved: readonly Moved[]): void {
    this.#siblings.update(moved);
    if (this.#listeners.size === 0 || moved.length === 0) return;
    const parentIn = (move: number): string | undefined =>
      move === NONE ? undefined : this.#log.nameOf(this.#log.parentIn(move));
    const changes = moved.map(({ node, before, after }) => {
      return { node: this.#log.nameOf(node), before: parentIn(before), after: parentIn(after) };
    });
    this.#listeners.tell(changes);
  }

  // The other's base has moves that are not here: it is taken as it is, and the own moves that it
  // does not know come on top.
  #adopt(delta: TreeDelta, other: Base): boolean {
    const base = laterBase(this.#base, other) as Base;
    const both = this.state().join(delta);
    const [first] = both.moves;
    if (first !== undefined) this.#checkAbove(base, first);
    this.#context.join(delta.context);
    const before = this.#listeners.size > 0 ? this.#parents() : undefined;
    this.#rebuild(both.moves, base);
    if (before !== undefined) this.#tellSince(before);
    return true;
  }

  #checkAbove(base: Base | undefined, first: Move): void {
    if (base === undefined || compareHorizon(base, first) < 0) return;
    const name = nodeOf(first.replica, first.counter);
    throw new CrdtError("CRDT_COMPACTED", `move ${name} belongs among moves that are compacted`);
  }

  #rebuild(moves: readonly Move[], base: Base): void {
    this.#base = base;
    this.#log = new MoveLog();
    this.#siblings = new Siblings(this.#log);
    this.#siblings.update(this.#log.settle(base.moves));
    this.#siblings.update(this.#log.insert(moves.toSorted(compareMoves)));
  }

  #parents(): Map<string, string> {
    const parents = new Map<string, string>();
    for (let node = 0; node < this.#log.nodes; node++) {
      const parent = this.#log.parentOf(node);
      if (parent !== NONE) parents.set(this.#log.nameOf(node), this.#log.nameOf(parent));
    }
    return parents;
  }

  #tellSince(before: ReadonlyMap<string, string>): void {
    const changes: TreeChange[] = [];
    for (const [node, after] of this.#parents()) {
      if (before.get(node) !== after) changes.push({ node, before: before.get(node), after });
    }
    if (changes.length > 0) this.#listeners.tell(changes);
  }
}
