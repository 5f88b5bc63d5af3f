// The tracker's sequence: every unit of the concurrent window, visible or not, in document order,
// as spans of consecutive identifiers in a B-tree. For each span
//
//   id     the first unit's LV; units that stood there before the window began have no LV worth
//          knowing, and are BASE, BASE + 1, … from left to right
//   length and the unit at which the first one was inserted:
//   left   the unit that stood to its left; each further unit has the one before it
//   right  the unit whose left child it is (order.ts), or NONE
//   state  in the version that is being looked at ("prepare"): 0 not inserted yet, 1 visible,
//          n + 1 deleted n times
//   gone   in the version of everything ("effect"): whether any operation deleted it
//
// Each node sums three lengths of its subtree: what is visible in the prepare version, which finds
// the place that an operation means; what is there in the effect version, which tells where that
// place is now; and what is base, which finds a base unit by number. All changes are O(log n).
//
// Spans and nodes are records in two arrays of integers, eight and thirty-two wide, so that one is
// one or two cache lines, and a tree is two objects to the collector, whatever its size.

/** No unit: what stands left of the first, or a right parent that is not there. */
export const NONE = -1;
/** The identifier of the first base unit. LVs are below. */
export const BASE: number = 2 ** 30;

const SPAN = 8; // Fields of a span, with room for one more.
const ID = 0;
const LENGTH = 1;
const LEFT = 2;
const RIGHT = 3;
const STATE = 4;
const GONE = 5;
const LEAF = 6;

const NODE = 32; // Fields of a node, the slots included.
const PARENT = 0;
const COUNT = 1;
const LEVEL = 2; // 0: its slots are spans.
const NEXT = 3; // Among leaves.
const VISIBLE = 4;
const PRESENT = 5;
const BASES = 6;
const SLOTS = 8;
const FAN = NODE - SLOTS;

/** Spans in document order. Of its numbers, a span's name is one: it never changes. */
export class SpanTree {
  /** Of the unit last found: where it stands in its span. */
  offset = 0;
  #spans: Int32Array = new Int32Array(32 * SPAN);
  #spanCount = 0;
  #nodes: Int32Array = new Int32Array(4 * NODE);
  #nodeCount = 0;
  #root = 0;

  /** The bytes that its records hold on to. */
  get bytes(): number {
    return this.#spans.byteLength + this.#nodes.byteLength;
  }

  /** Begins anew with one span of base units. */
  reset(baseUnits: number): void {
    this.#spanCount = 0;
    this.#nodeCount = 0;
    this.#root = this.#newNode(0);
    const span = this.#newSpan(BASE, baseUnits, NONE, NONE);
    this.#place(this.#root, 0, span);
    this.#addSums(this.#root, baseUnits, baseUnits, baseUnits);
  }

  /** How many units are visible in the prepare version. */
  get visible(): number {
    return this.#nodes[this.#root * NODE + VISIBLE]!;
  }

  /** How many units there are in the effect version. */
  get present(): number {
    return this.#nodes[this.#root * NODE + PRESENT]!;
  }

  /** The identifier of a span's first unit. */
  id(span: number): number {
    return this.#spans[span * SPAN + ID]!;
  }

  /** How many units a span has. */
  length(span: number): number {
    return this.#spans[span * SPAN + LENGTH]!;
  }

  /** What stood to the left of a span's first unit when it was inserted. */
  left(span: number): number {
    return this.#spans[span * SPAN + LEFT]!;
  }

  /** The unit whose left child a span's first unit is. */
  right(span: number): number {
    return this.#spans[span * SPAN + RIGHT]!;
  }

  /** 0 not inserted yet, 1 visible, n + 1 deleted n times. */
  state(span: number): number {
    return this.#spans[span * SPAN + STATE]!;
  }

  /** Whether any operation deleted it. */
  isGone(span: number): boolean {
    return this.#spans[span * SPAN + GONE] === 1;
  }

  /** The span with the visible unit at `position`, which must be there. */
  findVisible(position: number): number {
    return this.#descend(VISIBLE, position);
  }

  /** The span with the base unit of this number, which must be there. */
  findBase(index: number): number {
    return this.#descend(BASES, index);
  }

  /** The span with the unit at `position` of the effect version, which must be there. */
  findPresent(position: number): number {
    return this.#descend(PRESENT, position);
  }

  /** The first span. */
  first(): number {
    let node = this.#root;
    while (this.#nodes[node * NODE + LEVEL]! > 0) node = this.#nodes[node * NODE + SLOTS]!;
    return this.#nodes[node * NODE + SLOTS]!;
  }

  /** The span behind this one, or NONE. */
  next(span: number): number {
    const leaf = this.#leafOf(span);
    const slot = this.#slotOf(leaf, span) + 1;
    if (slot < this.#nodes[leaf * NODE + COUNT]!) return this.#nodes[leaf * NODE + SLOTS + slot]!;
    const next = this.#nodes[leaf * NODE + NEXT]!;
    return next === NONE ? NONE : this.#nodes[next * NODE + SLOTS]!;
  }

  /** How many units stand before a span in the effect version. */
  presentBefore(span: number): number {
    const nodes = this.#nodes;
    let node = this.#leafOf(span);
    let sum = 0;
    const end = node * NODE + SLOTS + this.#slotOf(node, span);
    for (let at = node * NODE + SLOTS; at < end; at++) sum += this.#presentIn(nodes[at]!);
    for (let parent = nodes[node * NODE + PARENT]!; parent !== NONE; ) {
      for (let at = parent * NODE + SLOTS; nodes[at] !== node; at++) {
        sum += nodes[nodes[at]! * NODE + PRESENT]!;
      }
      node = parent;
      parent = nodes[node * NODE + PARENT]!;
    }
    return sum;
  }

  /** Whether a span stands before another one. */
  isBefore(span: number, other: number): boolean {
    let node = this.#leafOf(span);
    let otherNode = this.#leafOf(other);
    if (node === otherNode) return this.#slotOf(node, span) < this.#slotOf(node, other);
    for (;;) {
      const parent = this.#nodes[node * NODE + PARENT]!;
      const otherParent = this.#nodes[otherNode * NODE + PARENT]!;
      // All leaves are equally deep, so both climb to their common ancestor in step.
      if (parent === otherParent) {
        return this.#slotOf(parent, node) < this.#slotOf(parent, otherNode);
      }
      node = parent;
      otherNode = otherParent;
    }
  }

  /** Puts a new, visible span behind `after`, or first for NONE. Returns its name. */
  insert(after: number, id: number, length: number, left: number, right: number): number {
    const span = this.#newSpan(id, length, left, right);
    const leaf = this.#leafOf(after === NONE ? this.first() : after);
    this.#place(leaf, after === NONE ? 0 : this.#slotOf(leaf, after) + 1, span);
    this.#addSums(this.#leafOf(span), length, length, 0);
    return span;
  }

  /** Adds visible units to the end of a visible span, which continue its identifiers. */
  extend(span: number, length: number): void {
    this.#spans[span * SPAN + LENGTH]! += length;
    this.#addSums(this.#leafOf(span), length, length, 0);
  }

  /** Takes base units away from the end of a visible base span. */
  shrinkBase(span: number, length: number): void {
    this.#spans[span * SPAN + LENGTH]! -= length;
    this.#addSums(this.#leafOf(span), -length, -length, -length);
  }

  /** Cuts a span in two; the units from `at` on become a new one, whose name it returns. */
  split(span: number, at: number): number {
    const head = span * SPAN;
    const id = this.#spans[head + ID]!;
    const tail = this.#newSpan(id + at, this.#spans[head + LENGTH]! - at, id + at - 1, NONE);
    this.#spans[head + LENGTH] = at;
    this.#spans[tail * SPAN + STATE] = this.#spans[head + STATE]!;
    this.#spans[tail * SPAN + GONE] = this.#spans[head + GONE]!;
    const leaf = this.#leafOf(span);
    const slot = this.#slotOf(leaf, span) + 1;
    if (this.#nodes[leaf * NODE + COUNT]! < FAN) {
      this.#put(leaf, slot, tail); // What the leaf sums is the same as before.
    } else {
      this.#count(leaf, tail, -1);
      this.#place(leaf, slot, tail);
      this.#count(this.#leafOf(tail), tail, 1);
    }
    return tail;
  }

  /** Sets what a span is in the prepare version. */
  setState(span: number, state: number): void {
    const before = this.#spans[span * SPAN + STATE]!;
    this.#spans[span * SPAN + STATE] = state;
    const length = this.#spans[span * SPAN + LENGTH]!;
    if (before === 1) this.#addSums(this.#leafOf(span), -length, 0, 0);
    else if (state === 1) this.#addSums(this.#leafOf(span), length, 0, 0);
  }

  /** Deletes a visible span in both versions. */
  delete(span: number): void {
    const length = this.#spans[span * SPAN + LENGTH]!;
    const present = this.#presentIn(span);
    this.#spans[span * SPAN + STATE] = 2;
    this.#spans[span * SPAN + GONE] = 1;
    this.#addSums(this.#leafOf(span), -length, -present, 0);
  }

  #presentIn(span: number): number {
    return this.#spans[span * SPAN + GONE] === 1 ? 0 : this.#spans[span * SPAN + LENGTH]!;
  }

  #leafOf(span: number): number {
    return this.#spans[span * SPAN + LEAF]!;
  }

  // Where a span stands in its leaf, or a node in its parent.
  #slotOf(node: number, child: number): number {
    const first = node * NODE + SLOTS;
    let at = first;
    while (this.#nodes[at] !== child) at++;
    return at - first;
  }

  #descend(sum: number, position: number): number {
    const nodes = this.#nodes;
    let node = this.#root;
    while (nodes[node * NODE + LEVEL]! > 0) {
      let at = node * NODE + SLOTS;
      let within = nodes[nodes[at]! * NODE + sum]!;
      while (position >= within) {
        position -= within;
        within = nodes[nodes[++at]! * NODE + sum]!;
      }
      node = nodes[at]!;
    }
    for (let at = node * NODE + SLOTS; ; at++) {
      const span = nodes[at]! * SPAN;
      const counts =
        sum === VISIBLE
          ? this.#spans[span + STATE] === 1
          : sum === PRESENT
            ? this.#spans[span + GONE] === 0
            : this.#spans[span + ID]! >= BASE;
      if (!counts) continue;
      const length = this.#spans[span + LENGTH]!;
      if (position < length) {
        this.offset = position;
        return nodes[at]!;
      }
      position -= length;
    }
  }

  #addSums(leaf: number, visible: number, present: number, bases: number): void {
    const nodes = this.#nodes;
    for (let node = leaf; node !== NONE; node = nodes[node * NODE + PARENT]!) {
      nodes[node * NODE + VISIBLE]! += visible;
      nodes[node * NODE + PRESENT]! += present;
      nodes[node * NODE + BASES]! += bases;
    }
  }

  #count(leaf: number, span: number, sign: number): void {
    const length = this.length(span) * sign;
    const visible = this.state(span) === 1 ? length : 0;
    const present = this.isGone(span) ? 0 : length;
    this.#addSums(leaf, visible, present, this.id(span) >= BASE ? length : 0);
  }

  // Puts a child that no sum counts yet into a slot, and cuts the node in two first if it is full.
  #place(node: number, slot: number, child: number): void {
    if (this.#nodes[node * NODE + COUNT]! < FAN) {
      this.#put(node, slot, child);
      return;
    }
    const right = this.#cut(node);
    const kept = this.#nodes[node * NODE + COUNT]!;
    if (slot > kept) this.#put(right, slot - kept, child);
    else this.#put(node, slot, child);
  }

  #put(node: number, slot: number, child: number): void {
    const nodes = this.#nodes;
    const at = node * NODE + SLOTS + slot;
    const count = nodes[node * NODE + COUNT]!++;
    for (let i = node * NODE + SLOTS + count; i > at; i--) nodes[i] = nodes[i - 1]!;
    nodes[at] = child;
    if (nodes[node * NODE + LEVEL] === 0) this.#spans[child * SPAN + LEAF] = node;
    else nodes[child * NODE + PARENT] = node;
  }

  // Moves the right half of a full node to a new one behind it.
  #cut(node: number): number {
    const level = this.#nodes[node * NODE + LEVEL]!;
    if (this.#nodes[node * NODE + PARENT] === NONE) {
      this.#root = this.#newNode(level + 1);
      this.#put(this.#root, 0, node);
      for (let sum = VISIBLE; sum <= BASES; sum++) {
        this.#nodes[this.#root * NODE + sum] = this.#nodes[node * NODE + sum]!;
      }
    }
    const right = this.#newNode(level);
    const nodes = this.#nodes;
    const from = node * NODE + SLOTS + (FAN >> 1);
    for (let i = 0; i < FAN >> 1; i++) this.#put(right, i, nodes[from + i]!);
    nodes[node * NODE + COUNT] = FAN >> 1;
    nodes[right * NODE + NEXT] = nodes[node * NODE + NEXT]!;
    nodes[node * NODE + NEXT] = right;
    this.#sum(right);
    const visible = nodes[right * NODE + VISIBLE]!;
    const present = nodes[right * NODE + PRESENT]!;
    const bases = nodes[right * NODE + BASES]!;
    // While it is on its way, the units to the right of the cut count nowhere.
    this.#addSums(node, -visible, -present, -bases);
    const parent = nodes[node * NODE + PARENT]!;
    this.#place(parent, this.#slotOf(parent, node) + 1, right);
    this.#addSums(this.#nodes[right * NODE + PARENT]!, visible, present, bases);
    return right;
  }

  #sum(node: number): void {
    const nodes = this.#nodes;
    const end = node * NODE + SLOTS + nodes[node * NODE + COUNT]!;
    const isLeaf = nodes[node * NODE + LEVEL] === 0;
    let [visible, present, bases] = [0, 0, 0];
    for (let at = node * NODE + SLOTS; at < end; at++) {
      const child = nodes[at]!;
      if (isLeaf) {
        const length = this.length(child);
        if (this.state(child) === 1) visible += length;
        if (!this.isGone(child)) present += length;
        if (this.id(child) >= BASE) bases += length;
      } else {
        visible += nodes[child * NODE + VISIBLE]!;
        present += nodes[child * NODE + PRESENT]!;
        bases += nodes[child * NODE + BASES]!;
      }
    }
    nodes[node * NODE + VISIBLE] = visible;
    nodes[node * NODE + PRESENT] = present;
    nodes[node * NODE + BASES] = bases;
  }

  #newSpan(id: number, length: number, left: number, right: number): number {
    const span = this.#spanCount++;
    if (this.#spanCount * SPAN > this.#spans.length) this.#spans = doubled(this.#spans);
    const at = span * SPAN;
    this.#spans[at + ID] = id;
    this.#spans[at + LENGTH] = length;
    this.#spans[at + LEFT] = left;
    this.#spans[at + RIGHT] = right;
    this.#spans[at + STATE] = 1;
    this.#spans[at + GONE] = 0;
    return span;
  }

  #newNode(level: number): number {
    const node = this.#nodeCount++;
    if (this.#nodeCount * NODE > this.#nodes.length) this.#nodes = doubled(this.#nodes);
    this.#nodes.fill(0, node * NODE, node * NODE + SLOTS);
    this.#nodes[node * NODE + LEVEL] = level;
    this.#nodes[node * NODE + PARENT] = NONE;
    this.#nodes[node * NODE + NEXT] = NONE;
    return node;
  }
}

function doubled(records: Int32Array): Int32Array {
  const next = new Int32Array(records.length * 2);
  next.set(records);
  return next;
}
