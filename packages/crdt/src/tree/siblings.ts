// The children of each node. They hang on their parent as a list without order, so that coming and
// going costs nothing; where somebody looks, they are sorted once, and kept sorted from then on.
import { compareStrings } from "../lattice/scalar.ts";
import { type Moved, type MoveLog, NONE } from "./move-log.ts";
import { fullPosition } from "./position.ts";

/** Lists of children, by node. */
export class Siblings {
  readonly #log: MoveLog;
  #first: Int32Array = new Int32Array(16).fill(NONE);
  #next: Int32Array = new Int32Array(16).fill(NONE);
  #previous: Int32Array = new Int32Array(16).fill(NONE);
  readonly #sorted: Map<number, number[]> = new Map();

  constructor(log: MoveLog) {
    this.#log = log;
  }

  /** Takes note of nodes that follow other moves now. */
  update(moved: readonly Moved[]): void {
    if (this.#log.nodes > this.#first.length) this.#grow(this.#log.nodes);
    // All leave before one enters: a sorted list must hold nothing that stands elsewhere already.
    for (const { node, before } of moved) if (before !== NONE) this.#leave(node, before);
    for (const { node, after } of moved) if (after !== NONE) this.#enter(node, after);
  }

  /** The children of a node, in their order. Not to be changed, nor kept. */
  of(parent: number): readonly number[] {
    const known = this.#sorted.get(parent);
    if (known !== undefined) return known;
    const children: { node: number; position: string }[] = [];
    for (let node = this.#first[parent] ?? NONE; node !== NONE; node = this.#next[node]!) {
      children.push({ node, position: this.positionOf(node) });
    }
    const sorted = children.sort((a, b) => compareStrings(a.position, b.position));
    const list = sorted.map(({ node }) => node);
    this.#sorted.set(parent, list);
    return list;
  }

  /** The full position of a node that exists. */
  positionOf(node: number): string {
    const move = this.#log.follows(node);
    const { replica, counter } = this.#log.makerOf(move);
    return fullPosition(this.#log.positionIn(move), replica, counter);
  }

  #leave(node: number, move: number): void {
    const parent = this.#log.parentIn(move);
    const [previous, next] = [this.#previous[node]!, this.#next[node]!];
    if (previous === NONE) this.#first[parent] = next;
    else this.#next[previous] = next;
    if (next !== NONE) this.#previous[next] = previous;
    const sorted = this.#sorted.get(parent);
    if (sorted !== undefined) sorted.splice(sorted.indexOf(node), 1);
  }

  #enter(node: number, move: number): void {
    const parent = this.#log.parentIn(move);
    const first = this.#first[parent]!;
    this.#previous[node] = NONE;
    this.#next[node] = first;
    if (first !== NONE) this.#previous[first] = node;
    this.#first[parent] = node;
    const sorted = this.#sorted.get(parent);
    if (sorted === undefined) return;
    const position = this.positionOf(node);
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.positionOf(sorted[middle]!) < position) low = middle + 1;
      else high = middle;
    }
    sorted.splice(low, 0, node);
  }

  #grow(nodes: number): void {
    const capacity = Math.max(nodes, this.#first.length * 2);
    const grow = (column: Int32Array): Int32Array => {
      const larger = new Int32Array(capacity).fill(NONE);
      larger.set(column);
      return larger;
    };
    this.#first = grow(this.#first);
    this.#next = grow(this.#next);
    this.#previous = grow(this.#previous);
  }
}
