// What a movable list means, said without a register, a clock that ticks or a tree that balances: a
// function of the steps that a replica knows and of what their authors knew. Slow, and plainly
// right. The order of places is Fugue's, as its paper defines it.
import { FugueTree, type Version } from "../sequence/fugue-tree.ts";

type Value = number | string | null;

interface Step {
  readonly agent: string;
  readonly seq: number;
  /** One more than the latest of the steps that its author knew. */
  readonly time: number;
  readonly what: "insert" | "move" | "set" | "delete" | "restore";
  /** The insertion of the element; for an insertion, itself. */
  readonly element: Step | undefined;
  /** What a restoration takes back. */
  readonly deletion?: Step;
  /** The place that it puts: a character of its own. */
  readonly place?: string;
  readonly value?: Value;
}

/** Whoever does something, and what he knows. */
export interface Author {
  readonly agent: string;
  readonly version: Version;
}

const FIRST_PLACE = 0x3400;

/** Everything that any replica did. */
export class Specification {
  readonly #tree = new FugueTree();
  readonly #steps: Step[] = [];
  #places = 0;

  insert(author: Author, index: number, value: Value): void {
    const place = this.#put(author, index);
    this.#add(author, { what: "insert", element: undefined, place, value });
  }

  move(author: Author, from: number, to: number): void {
    const element = this.#seen(author.version)[from]!;
    const place = this.#put(author, to > from ? to + 1 : to);
    this.#add(author, { what: "move", element, place });
  }

  set(author: Author, index: number, value: Value): void {
    const element = this.#seen(author.version)[index]!;
    this.#add(author, { what: "set", element, value });
  }

  delete(author: Author, index: number): void {
    const element = this.#seen(author.version)[index]!;
    this.#add(author, { what: "delete", element });
  }

  restore(author: Author, seq: number): void {
    const deletion = this.#steps.find((it) => it.agent === author.agent && it.seq === seq)!;
    this.#add(author, { what: "restore", element: deletion.element, deletion });
  }

  /** The own deletions of a replica, by sequence number. */
  deletionsOf({ agent, version }: Author): number[] {
    const own = this.#known(version).filter((it) => it.agent === agent && it.what === "delete");
    return own.map(({ seq }) => seq);
  }

  /** What a replica of this version reads. */
  read(version: Version): Value[] {
    return this.#seen(version).map((element) => this.#last(version, element, "set").value!);
  }

  /** How many elements stand before one that was inserted by this step, and whether it is there. */
  whereIs(version: Version, agent: string, seq: number): { before: number; isThere: boolean } {
    const element = this.#steps.find((it) => it.agent === agent && it.seq === seq)!;
    const order = this.#tree.text(version);
    const at = this.#placeOf(version, element, order);
    const seen = this.#seen(version);
    const before = seen.filter((it) => this.#placeOf(version, it, order) < at).length;
    return { before, isThere: seen.includes(element) };
  }

  /** The insertion of the element at an index. */
  nameOf(version: Version, index: number): { agent: string; seq: number } {
    const { agent, seq } = this.#seen(version)[index]!;
    return { agent, seq };
  }

  #put({ agent, version }: Author, index: number): string {
    const order = this.#tree.text(version);
    const left = index === 0 ? undefined : this.#seen(version)[index - 1]!;
    const position = left === undefined ? 0 : this.#placeOf(version, left, order) + 1;
    const place = String.fromCharCode(FIRST_PLACE + this.#places++);
    this.#tree.insert(version, agent, version.get(agent) ?? 0, position, place);
    return place;
  }

  #add({ agent, version }: Author, step: Omit<Step, "agent" | "seq" | "time">): void {
    const time = 1 + Math.max(-1, ...this.#known(version).map((it) => it.time));
    this.#steps.push({ ...step, agent, seq: version.get(agent) ?? 0, time });
  }

  #known(version: Version): Step[] {
    return this.#steps.filter(({ agent, seq }) => seq < (version.get(agent) ?? 0));
  }

  // The elements that are there, in their order.
  #seen(version: Version): Step[] {
    const known = this.#known(version);
    const restored = new Set(known.map(({ deletion }) => deletion));
    const deleted = known.filter((it) => it.what === "delete" && !restored.has(it));
    const gone = new Set(deleted.map(({ element }) => element));
    const order = this.#tree.text(version);
    const there = known.filter((it) => it.what === "insert" && !gone.has(it));
    const places = new Map(there.map((it) => [it, this.#placeOf(version, it, order)]));
    return there.sort((a, b) => places.get(a)! - places.get(b)!);
  }

  #placeOf(version: Version, element: Step, order: string): number {
    return order.indexOf(this.#last(version, element, "move").place!);
  }

  // The latest of the insertion of an element and what has moved, or set, it.
  #last(version: Version, element: Step, what: Step["what"]): Step {
    let last = element;
    for (const step of this.#known(version)) {
      if (step.what === what && step.element === element && isLater(step, last)) last = step;
    }
    return last;
  }
}

function isLater(step: Step, other: Step): boolean {
  if (step.time !== other.time) return step.time > other.time;
  return step.agent === other.agent ? step.seq > other.seq : step.agent > other.agent;
}
