// What a data type is to the core: how its store joins, in the terms of Almeida et al. 2018, §7. A
// state is a store of live dots under a causal context, and joins as one lattice. Types differ in
// the shape of their store (a leaf of dots, a map of leaves, a map of fields, a row for each
// replica) and in how it is read; each shape is a file in kinds/, each type a few lines in
// kinds.ts.
//
// A map is "whole" when what it does not have is absent: a state, or a part of one. A delta of one
// element is not: then the context speaks only of the keys that are there, some of them with
// nothing left. That is ours, not the paper's: it lets a replica join a small delta without looking
// through everything that it has.
import type { Reader, Writer } from "./codec.ts";
import { CausalContext, DotList } from "./context.ts";
import { Dot, type Dots } from "./dot.ts";
import type { Scalar } from "./scalar.ts";

/** One thing that reads differently now. */
export interface Change {
  /** Where: keys of maps, and the element of a set at the end; empty for the value itself. */
  readonly path: readonly Scalar[];
  /** What was read there before: for an element of a set, whether it was a member. */
  readonly before: unknown;
  /** What is read there now. */
  readonly after: unknown;
}

/** What a join has to know, and where it says what it did. */
export class Joining {
  readonly mine: CausalContext;
  readonly theirs: CausalContext;
  changed = false;
  /** Undefined while nobody listens: then no view is made for the sake of comparing it. */
  readonly changes: Change[] | undefined;
  readonly path: Scalar[] = [];

  constructor(mine: CausalContext, theirs: CausalContext, changes?: Change[]) {
    this.mine = mine;
    this.theirs = theirs;
    this.changes = changes;
  }

  /** Notes a change of what is read at the present path, if it is one. */
  note(before: unknown, after: unknown): void {
    if (isSame(before, after)) return;
    this.changes?.push({ path: this.path.slice(), before, after });
  }
}

function isSame(before: unknown, after: unknown): boolean {
  if (Object.is(before, after)) return true;
  if (!Array.isArray(before) || !Array.isArray(after)) return false;
  return before.length === after.length && before.every((it, i) => Object.is(it, after[i]));
}

/** An update in the making: it names its dots, and gathers what it has seen. */
export class Mutation {
  readonly replica: string;
  /** The time of the update, for registers in which the last writer wins. */
  readonly stamp: () => number;
  readonly #context: CausalContext = new CausalContext();
  /** Dots beyond the first few: many, in any order, are better sorted once. */
  #more: DotList | undefined;
  #left = 8;
  #next: number;

  constructor(replica: string, next: number, stamp: () => number) {
    this.replica = replica;
    this.stamp = stamp;
    this.#next = next;
  }

  /** The counter of a new dot. */
  count(): number {
    const counter = this.#next++;
    this.see(this.replica, counter);
    return counter;
  }

  /** A new dot with this value. */
  dot(value?: unknown): Dot {
    return new Dot(this.replica, this.count(), value, undefined);
  }

  /** Takes note that this dot was seen. */
  see(replica: string, counter: number): void {
    if (this.#left-- > 0) {
      this.#context.add(replica, counter);
    } else {
      this.#more ??= new DotList();
      this.#more.add(replica, counter);
    }
  }

  /** Takes note that these dots were seen, and are gone. */
  replace(dots: Dots): void {
    for (let dot = dots; dot !== undefined; dot = dot.next) this.see(dot.replica, dot.counter);
  }

  /** The context of the delta: new dots, and those that it replaces. */
  context(): CausalContext {
    if (this.#more !== undefined) this.#context.join(this.#more.context());
    return this.#context;
  }
}

/** Reads dots against the context that they must be in. */
export class DotReader {
  readonly from: Reader;
  readonly context: CausalContext;
  /** How many maps are around this place. */
  depth = 0;
  readonly #replicas: readonly string[];

  constructor(from: Reader, context: CausalContext) {
    this.from = from;
    this.context = context;
    this.#replicas = context.replicas;
  }

  /** The name of a replica, by its place in the context. */
  replica(): string {
    if (this.#replicas.length === 0) throw this.from.corrupt("a dot, but no context");
    return this.#replicas[this.from.number(0, this.#replicas.length - 1)]!;
  }

  /** The counter of a dot of this replica. */
  counter(replica: string): number {
    const counter = this.from.number(1);
    if (!this.context.has(replica, counter)) throw this.from.corrupt("a dot outside the context");
    return counter;
  }
}

/** The places of the replicas in an encoding. */
export type Places = ReadonlyMap<string, number>;

/** How a type is stored, joined, read and written. */
export interface Kind<S> {
  /** What it is called, in JSON and in errors. */
  readonly name: string;
  /** What it is called in bytes. */
  readonly tag: number;
  /** The bottom of the lattice; `whole` for a state, not for a delta. */
  empty(whole: boolean): S;
  /** Whether a whole store holds nothing, and its map need not remember it. */
  isEmpty(store: S): boolean;
  /** Whether there is something to be read: whether a map has this key. */
  isPresent(store: S): boolean;
  /** Joins another store into the first, in place where it is mutable, and returns the result. */
  join(into: S, from: S, joining: Joining): S;
  /** The delta that removes all that is there. */
  clear(store: S, mutation: Mutation): S;
  /** The part that `seen` lacks. Of the rest, adds the live dots to `kept`. */
  since(store: S, seen: CausalContext, kept: DotList): S;
  /** The delta that lets go what only updates concurrent with a stable one could need, if any. */
  compact(store: S, stable: CausalContext, mutation: Mutation): S | undefined;
  /** What users see, as JSON. */
  view(store: S): unknown;
  /** The highest timestamp in it, or 0. */
  latest(store: S): number;
  /** Writes it in its one form. `whole` is whether the map around it is. */
  write(store: S, to: Writer, places: Places, whole: boolean): void;
  /** Reads what {@link write} wrote, and refuses everything else. */
  read(from: DotReader, whole: boolean): S;
}
