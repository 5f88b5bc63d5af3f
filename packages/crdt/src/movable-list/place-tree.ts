// Where the places are. A B-tree of places in their order, in which each node knows how many there
// are below it, and how many of these are shown: so the way from an index that a user means to a
// place, from a place to its index among all, and from there to what a user sees, is O(log n) each,
// however many places an element has left behind.
//
// Places are numbers. They are only ever put in, and shown or hidden; none is taken out, for the
// positions in the log count all of them.
import { IntColumn } from "../causal/int-column.ts";

const NODE = 38; // Fields of a node, the slots included.
const PARENT = 0;
const COUNT = 1;
const LEVEL = 2; // 0: its slots are places.
const NEXT = 3; // Among leaves.
const PLACES = 4;
const SHOWN = 5;
const SLOTS = 6;
const FAN = NODE - SLOTS;

const NONE = -1;

/** Places in their order, hidden at first. */
export class PlaceTree {
  #nodes: Int32Array = new Int32Array(4 * NODE);
  #nodeCount = 0;
  #root: number;
  // Where in the leaf that was last looked for.
  #offset = 0;
  /** By place: the leaf that it is in, twice, and one more if it is shown. */
  readonly #leaves: IntColumn = new IntColumn();

  constructor() {
    this.#root = this.#newNode(0);
  }

  /** How many places there are. */
  get length(): number {
    return this.#nodes[this.#root * NODE + PLACES]!;
  }

  /** How many of them are shown. */
  get shown(): number {
    return this.#nodes[this.#root * NODE + SHOWN]!;
  }

  /** The bytes that it holds on to. */
  get bytes(): number {
    return this.#nodes.byteLength + this.#leaves.bytes;
  }

  /** Puts the next `count` places, which nobody has put anywhere yet, before the one at `index`. */
  insert(index: number, count: number): void {
    let leaf = this.#leafFor(index);
    let slot = this.#offset;
    for (let left = count; left > 0; ) {
      if (this.#nodes[leaf * NODE + COUNT] === FAN) {
        const right = this.#cut(leaf, slot);
        const kept = this.#nodes[leaf * NODE + COUNT]!;
        if (slot > kept || kept === FAN) {
          slot -= kept;
          leaf = right;
        }
      }
      const nodes = this.#nodes;
      const held = nodes[leaf * NODE + COUNT]!;
      const taken = Math.min(left, FAN - held);
      const at = leaf * NODE + SLOTS + slot;
      nodes.copyWithin(at + taken, at, leaf * NODE + SLOTS + held);
      for (let i = 0; i < taken; i++) {
        nodes[at + i] = this.#leaves.length;
        this.#leaves.push(leaf * 2);
      }
      nodes[leaf * NODE + COUNT] = held + taken;
      this.#addSums(leaf, taken, 0);
      slot += taken;
      left -= taken;
    }
  }

  /** Whether a place is shown. */
  isShown(place: number): boolean {
    return (this.#leaves.data[place]! & 1) === 1;
  }

  /** Shows a place, or hides it. */
  show(place: number, isShown: boolean): void {
    if (this.isShown(place) === isShown) return;
    this.#leaves.data[place]! ^= 1;
    this.#addSums(this.#leafOf(place), 0, isShown ? 1 : -1);
  }

  /** The place at an index among those that are shown, which must be there. */
  atShown(index: number): number {
    const nodes = this.#nodes;
    let node = this.#root;
    let rest = index;
    while (nodes[node * NODE + LEVEL]! > 0) {
      let at = node * NODE + SLOTS;
      while (nodes[nodes[at]! * NODE + SHOWN]! <= rest) rest -= nodes[nodes[at++]! * NODE + SHOWN]!;
      node = nodes[at]!;
    }
    let at = node * NODE + SLOTS;
    for (; rest > 0 || !this.isShown(nodes[at]!); at++) if (this.isShown(nodes[at]!)) rest--;
    return nodes[at]!;
  }

  /** The index of a place among all of them. */
  indexOf(place: number): number {
    const leaf = this.#leafOf(place);
    return this.#slotOf(leaf, place) + this.#sumBefore(leaf, PLACES);
  }

  /** How many places before this one are shown. */
  shownBefore(place: number): number {
    const leaf = this.#leafOf(place);
    let sum = this.#sumBefore(leaf, SHOWN);
    for (let at = leaf * NODE + SLOTS; this.#nodes[at] !== place; at++) {
      if (this.isShown(this.#nodes[at]!)) sum++;
    }
    return sum;
  }

  /** The places that are shown, in their order. */
  *[Symbol.iterator](): Generator<number> {
    for (const place of this.all()) if (this.isShown(place)) yield place;
  }

  /** All places in their order. None may be put in meanwhile. */
  *all(): Generator<number> {
    let leaf = this.#root;
    while (this.#nodes[leaf * NODE + LEVEL]! > 0) leaf = this.#nodes[leaf * NODE + SLOTS]!;
    for (; leaf !== NONE; leaf = this.#nodes[leaf * NODE + NEXT]!) {
      for (let slot = 0; slot < this.#nodes[leaf * NODE + COUNT]!; slot++) {
        yield this.#nodes[leaf * NODE + SLOTS + slot]!;
      }
    }
  }

  // The leaf in which an index is, and in #offset the slot: at the end of one rather than at the
  // start of the next.
  #leafFor(index: number): number {
    const nodes = this.#nodes;
    let node = this.#root;
    let rest = index;
    while (nodes[node * NODE + LEVEL]! > 0) {
      let at = node * NODE + SLOTS;
      while (nodes[nodes[at]! * NODE + PLACES]! < rest)
        rest -= nodes[nodes[at++]! * NODE + PLACES]!;
      node = nodes[at]!;
    }
    this.#offset = rest;
    return node;
  }

  #leafOf(place: number): number {
    return this.#leaves.data[place]! >> 1;
  }

  // Where a place stands in its leaf, or a node in its parent.
  #slotOf(node: number, child: number): number {
    const first = node * NODE + SLOTS;
    let at = first;
    while (this.#nodes[at] !== child) at++;
    return at - first;
  }

  // The sum over all that stands before a node.
  #sumBefore(node: number, field: number): number {
    const nodes = this.#nodes;
    let sum = 0;
    for (let parent = nodes[node * NODE + PARENT]!; parent !== NONE; ) {
      for (let at = parent * NODE + SLOTS; nodes[at] !== node; at++) {
        sum += nodes[nodes[at]! * NODE + field]!;
      }
      node = parent;
      parent = nodes[node * NODE + PARENT]!;
    }
    return sum;
  }

  #addSums(from: number, places: number, shown: number): void {
    const nodes = this.#nodes;
    for (let node = from; node !== NONE; node = nodes[node * NODE + PARENT]!) {
      nodes[node * NODE + PLACES]! += places;
      nodes[node * NODE + SHOWN]! += shown;
    }
  }

  // Makes a node behind a full one, and moves half of the slots there; none of them when there is
  // something to be put at the end, so that a list that grows there has full nodes.
  #cut(node: number, slot: number): number {
    const level = this.#nodes[node * NODE + LEVEL]!;
    if (this.#nodes[node * NODE + PARENT] === NONE) {
      this.#root = this.#newNode(level + 1);
      this.#put(this.#root, 0, node);
      this.#addSums(this.#root, this.#sum(node, PLACES), this.#sum(node, SHOWN));
    }
    const right = this.#newNode(level);
    const nodes = this.#nodes;
    const kept = slot === FAN ? FAN : FAN >> 1;
    for (let i = kept; i < FAN; i++) this.#put(right, i - kept, nodes[node * NODE + SLOTS + i]!);
    nodes[node * NODE + COUNT] = kept;
    nodes[right * NODE + NEXT] = nodes[node * NODE + NEXT]!;
    nodes[node * NODE + NEXT] = right;
    const [places, shown] = [this.#sum(right, PLACES), this.#sum(right, SHOWN)];
    this.#addSums(right, places, shown);
    // While they are on their way, the places to the right of the cut count nowhere.
    this.#addSums(node, -places, -shown);
    let parent = nodes[node * NODE + PARENT]!;
    let at = this.#slotOf(parent, node) + 1;
    if (nodes[parent * NODE + COUNT] === FAN) {
      const next = this.#cut(parent, at);
      const held = this.#nodes[parent * NODE + COUNT]!;
      if (at > held || held === FAN) {
        at -= held;
        parent = next;
      }
    }
    this.#put(parent, at, right);
    this.#addSums(parent, places, shown);
    return right;
  }

  #put(node: number, slot: number, child: number): void {
    const nodes = this.#nodes;
    const at = node * NODE + SLOTS + slot;
    const count = nodes[node * NODE + COUNT]!++;
    nodes.copyWithin(at + 1, at, node * NODE + SLOTS + count);
    nodes[at] = child;
    if (nodes[node * NODE + LEVEL]! > 0) nodes[child * NODE + PARENT] = node;
    else this.#leaves.data[child] = node * 2 + (this.#leaves.data[child]! & 1);
  }

  // What a node's children add up to; a node that is on its way has not been told yet.
  #sum(node: number, field: number): number {
    const nodes = this.#nodes;
    const end = node * NODE + SLOTS + nodes[node * NODE + COUNT]!;
    let sum = 0;
    for (let at = node * NODE + SLOTS; at < end; at++) {
      if (nodes[node * NODE + LEVEL]! > 0) sum += nodes[nodes[at]! * NODE + field]!;
      else sum += field === PLACES || this.isShown(nodes[at]!) ? 1 : 0;
    }
    return sum;
  }

  #newNode(level: number): number {
    const node = this.#nodeCount++;
    if (this.#nodeCount * NODE > this.#nodes.length) {
      const next = new Int32Array(this.#nodes.length * 2);
      next.set(this.#nodes);
      this.#nodes = next;
    }
    this.#nodes[node * NODE + LEVEL] = level;
    this.#nodes[node * NODE + PARENT] = NONE;
    this.#nodes[node * NODE + NEXT] = NONE;
    return node;
  }
}
