// The moves that a replica has, and the tree that they make (M. Kleppmann, D. Mulligan, V. Gomes,
// A. Beresford, "A Highly-Available Move Operation for Replicated Trees", TPDS 2021, §3). A move
// takes effect unless it would put a node below itself. Which moves those are depends on their
// order, so all replicas apply them in one order, that of their timestamps: a move that comes late
// undoes all later ones, takes effect, and has them done again.
//
// That is the paper's algorithm with its log in columns: a move is a place in typed arrays, a node
// a number, and undoing one writes two integers. Moves that come together are sorted and merged in
// one pass, so that two replicas that were apart pay for the shorter log once, not for each move
// of it; moves that come in order undo nothing. The lists of children are not touched before all
// is done, and then for those nodes alone that have come to stand elsewhere.
import type { CausalContext } from "../lattice/context.ts";
import { compareStrings } from "../lattice/scalar.ts";
import { type Move, ROOT, TRASH } from "./move.ts";

/** No move, no node. */
export const NONE = -1;
/** In place of the move before: this one had no effect. */
const NO_EFFECT = -2;

/** The numbers of the two nodes that are always there. */
export const ROOT_NODE = 0;
export const TRASH_NODE = 1;

/** A node that follows another move than before. */
export interface Moved {
  readonly node: number;
  readonly before: number;
  readonly after: number;
}

/** Moves in columns, sorted by timestamp in `#order`. */
export class MoveLog {
  // By move, in the order of arrival.
  #time: Float64Array = new Float64Array(16);
  #replica: Int32Array = new Int32Array(16);
  #counter: Float64Array = new Float64Array(16);
  #node: Int32Array = new Int32Array(16);
  #parent: Int32Array = new Int32Array(16);
  /** The move that this one's node followed before it, NONE or NO_EFFECT. */
  #before: Int32Array = new Int32Array(16);
  readonly #position: string[] = [];

  /** Moves by timestamp. Invariant: the first #settled are the base, and never undone. */
  #order: Int32Array = new Int32Array(16);
  #length = 0;
  #settled = 0;

  // By node.
  readonly #nodeNames: string[] = [ROOT, TRASH];
  readonly #nodes: Map<string, number> = new Map([
    [ROOT, ROOT_NODE],
    [TRASH, TRASH_NODE],
  ]);
  /** The move that a node follows now; NONE while it does not exist. */
  #follows: Int32Array = new Int32Array(16).fill(NONE);
  /** The parent of a node; NONE while it does not exist, and for the root and the trash. */
  #parentOf: Int32Array = new Int32Array(16).fill(NONE);

  readonly #replicaNames: string[] = [];
  readonly #replicas: Map<string, number> = new Map();

  /** How many moves it has. */
  get length(): number {
    return this.#length;
  }

  /** How many of them are the base: what is left of the moves that were compacted away. */
  get settled(): number {
    return this.#settled;
  }

  /** How many nodes have a number. */
  get nodes(): number {
    return this.#nodeNames.length;
  }

  /** The highest time, or 0. */
  get lastTime(): number {
    return this.#length === 0 ? 0 : this.#time[this.#order[this.#length - 1]!]!;
  }

  /** The number of a node; undefined when no move speaks of it. */
  numberOf(name: string): number | undefined {
    return this.#nodes.get(name);
  }

  /** The name of a node. */
  nameOf(node: number): string {
    return this.#nodeNames[node]!;
  }

  /** The parent of a node, or NONE. */
  parentOf(node: number): number {
    return this.#parentOf[node]!;
  }

  /** The move that a node follows, or NONE. */
  follows(node: number): number {
    return this.#follows[node]!;
  }

  /** The parent that a move gives its node. */
  parentIn(move: number): number {
    return this.#parent[move]!;
  }

  /** The position that a move gives its node. */
  positionIn(move: number): string {
    return this.#position[move]!;
  }

  /** The name of a move. */
  makerOf(move: number): { readonly replica: string; readonly counter: number } {
    return { replica: this.#replicaNames[this.#replica[move]!]!, counter: this.#counter[move]! };
  }

  /** The moves from one place in the order of timestamps on. */
  *moves(from: number, to: number = this.#length): Generator<Move> {
    for (let place = from; place < to; place++) yield this.#moveAt(this.#order[place]!);
  }

  /** These moves, which it has above the base, in their order. */
  movesOf(dots: CausalContext): Move[] {
    const found: Move[] = [];
    // From the end: what another lacks is mostly new, and the rest of the log need not be read.
    let left = dots.size;
    for (let place = this.#length - 1; left > 0 && place >= this.#settled; place--) {
      const move = this.#order[place]!;
      const replica = this.#replicaNames[this.#replica[move]!]!;
      if (!dots.has(replica, this.#counter[move]!)) continue;
      found.push(this.#moveAt(move));
      left--;
    }
    return found.reverse();
  }

  /** The move at a place in the order of timestamps. */
  moveAt(place: number): Move {
    return this.#moveAt(this.#order[place]!);
  }

  /** Whether a node is the other one, or above it. */
  isAbove(node: number, below: number): boolean {
    const parentOf = this.#parentOf;
    for (let at = below; at !== NONE; at = parentOf[at]!) if (at === node) return true;
    return false;
  }

  /** Adds moves that it does not have, sorted, all later than the base. */
  insert(moves: readonly Move[]): Moved[] {
    const added = moves.map((move) => this.#add(move));
    const [first] = added;
    if (first === undefined) return [];
    const from = this.#placeOf(first);
    // By node: the move that it followed before all this.
    const touched = new Map<number, number>();
    this.#undoTo(from, touched);
    this.#merge(from, added);
    for (let place = from; place < this.#length; place++) this.#do(this.#order[place]!, touched);
    const moved: Moved[] = [];
    for (const [node, before] of touched) {
      const after = this.#follows[node]!;
      if (after !== before) moved.push({ node, before, after });
    }
    return moved;
  }

  /** Takes moves as they are for the base of an empty log: they do not form a cycle. */
  settle(moves: readonly Move[]): Moved[] {
    this.#order = grown(this.#order, moves.length);
    const moved: Moved[] = [];
    for (const move of moves) {
      const after = this.#add(move);
      const node = this.#node[after]!;
      this.#before[after] = NONE;
      this.#put(node, after);
      this.#order[this.#length++] = after;
      moved.push({ node, before: NONE, after });
    }
    this.#settled = this.#length;
    return moved;
  }

  /** The moves that are in force after the first `length` of them, sorted: what a base needs. */
  inForce(length: number): Move[] {
    const inForce = new Map<number, number>();
    for (let place = 0; place < length; place++) {
      const move = this.#order[place]!;
      if (this.#before[move] !== NO_EFFECT) inForce.set(this.#node[move]!, place);
    }
    return [...inForce.values()].sort((a, b) => a - b).map((place) => this.moveAt(place));
  }

  #moveAt(move: number): Move {
    return {
      time: this.#time[move]!,
      ...this.makerOf(move),
      node: this.nameOf(this.#node[move]!),
      parent: this.nameOf(this.#parent[move]!),
      position: this.#position[move]!,
    };
  }

  #add({ time, replica, counter, node, parent, position }: Move): number {
    const move = this.#position.length;
    if (move === this.#time.length) this.#growMoves();
    this.#time[move] = time;
    this.#replica[move] = this.#replicaNumber(replica);
    this.#counter[move] = counter;
    this.#node[move] = this.#nodeNumber(node);
    this.#parent[move] = this.#nodeNumber(parent);
    this.#position.push(position);
    return move;
  }

  // Whether the first move takes effect after the second.
  #isLater(a: number, b: number): boolean {
    const times = this.#time[a]! - this.#time[b]!;
    if (times !== 0) return times > 0;
    const [left, right] = [this.#replica[a]!, this.#replica[b]!];
    if (left === right) return this.#counter[a]! > this.#counter[b]!;
    return compareStrings(this.#replicaNames[left]!, this.#replicaNames[right]!) > 0;
  }

  #placeOf(move: number): number {
    let low = this.#settled;
    let high = this.#length;
    // Nearly always at the end.
    if (high === low || this.#isLater(move, this.#order[high - 1]!)) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isLater(move, this.#order[middle]!)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #undoTo(from: number, touched: Map<number, number>): void {
    for (let place = this.#length - 1; place >= from; place--) {
      const move = this.#order[place]!;
      const before = this.#before[move]!;
      if (before === NO_EFFECT) continue;
      const node = this.#node[move]!;
      // The first time that a node is met, it follows what it followed in the end.
      if (!touched.has(node)) touched.set(node, move);
      this.#put(node, before);
    }
  }

  #do(move: number, touched: Map<number, number>): void {
    const node = this.#node[move]!;
    if (this.isAbove(node, this.#parent[move]!)) {
      this.#before[move] = NO_EFFECT;
      return;
    }
    const before = this.#follows[node]!;
    if (!touched.has(node)) touched.set(node, before);
    this.#before[move] = before;
    this.#put(node, move);
  }

  #put(node: number, move: number): void {
    this.#follows[node] = move;
    this.#parentOf[node] = move === NONE ? NONE : this.#parent[move]!;
  }

  // From the end, so that nothing is overwritten before it was read.
  #merge(from: number, added: readonly number[]): void {
    const length = this.#length + added.length;
    if (length > this.#order.length) this.#order = grown(this.#order, length);
    const order = this.#order;
    let left = this.#length - 1;
    let right = added.length - 1;
    for (let place = length - 1; right >= 0; place--) {
      const isOld = left >= from && this.#isLater(order[left]!, added[right]!);
      order[place] = isOld ? order[left--]! : added[right--]!;
    }
    this.#length = length;
  }

  #nodeNumber(name: string): number {
    const found = this.#nodes.get(name);
    if (found !== undefined) return found;
    const node = this.#nodeNames.push(name) - 1;
    this.#nodes.set(name, node);
    if (node === this.#parentOf.length) {
      this.#parentOf = grown(this.#parentOf, node + 1);
      this.#follows = grown(this.#follows, node + 1);
    }
    this.#parentOf[node] = NONE;
    this.#follows[node] = NONE;
    return node;
  }

  #replicaNumber(name: string): number {
    const found = this.#replicas.get(name);
    if (found !== undefined) return found;
    const replica = this.#replicaNames.push(name) - 1;
    this.#replicas.set(name, replica);
    return replica;
  }

  #growMoves(): void {
    const capacity = this.#time.length * 2;
    this.#time = grown(this.#time, capacity);
    this.#replica = grown(this.#replica, capacity);
    this.#counter = grown(this.#counter, capacity);
    this.#node = grown(this.#node, capacity);
    this.#parent = grown(this.#parent, capacity);
    this.#before = grown(this.#before, capacity);
  }
}

function grown<A extends Int32Array | Float64Array>(column: A, capacity: number): A {
  const longer = Math.max(capacity, column.length * 2);
  const larger = column instanceof Int32Array ? new Int32Array(longer) : new Float64Array(longer);
  larger.set(column);
  return larger as A;
}
