// A place in a document while it is read. A reader takes a node and gives a value, or says what is
// wrong at that place and gives up on it, by an exception that only this folder knows. Messages
// and lists catch it at each of their parts and go on with the next, so that one pass finds every
// fault.
import { type Note, PROBLEMS_MAX, type Problem } from "../config-error.ts";

/** Thrown when a part was given up; what is wrong has been written down. */
export class Abandoned extends Error {}

const abandoned = new Abandoned();

/** Says that a cluster must exist. */
export interface ClusterReference {
  readonly cluster: string;
  readonly node: Node;
}

/** Says that an HTTP filter of that name and kind must exist where the node is. */
export interface FilterReference {
  readonly filter: string;
  /** `undefined`: of any kind. */
  readonly kind: string | undefined;
  readonly node: Node;
}

/** What comes together while one document is read. */
export class Reading {
  readonly problems: Problem[] = [];
  readonly notes: Note[] = [];
  readonly clusters: ClusterReference[] = [];
  readonly filters: FilterReference[] = [];
  unlisted = 0;

  refuse(problem: Problem): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(problem);
    else this.unlisted++;
  }
}

/** A value and where it stands. */
export class Node {
  readonly value: unknown;
  readonly path: string;
  readonly reading: Reading;

  constructor(value: unknown, path: string, reading: Reading) {
    this.value = value;
    this.path = path;
    this.reading = reading;
  }

  /** A field of this one. */
  field(name: string, value: unknown): Node {
    return new Node(value, this.path === "" ? name : `${this.path}.${name}`, this.reading);
  }

  /** An element of this list. */
  item(index: number, value: unknown): Node {
    return new Node(value, `${this.path}[${index}]`, this.reading);
  }

  /** An entry of this map. */
  entry(key: string, value: unknown): Node {
    return new Node(value, `${this.path}[${JSON.stringify(brief(key))}]`, this.reading);
  }

  /** Writes a fault down, and goes on. */
  refuse(message: string, next: string): void {
    this.reading.refuse({ path: this.path, message, next });
  }

  /** Writes a fault down, and gives up on this node. */
  fail(message: string, next: string): never {
    this.refuse(message, next);
    throw abandoned;
  }

  /** Says what a reader of the document should know; nothing is refused. */
  note(message: string): void {
    // As many as problems: a document of a megabyte must not make a log of ten.
    if (this.reading.notes.length < PROBLEMS_MAX) {
      this.reading.notes.push({ path: this.path, message });
    }
  }
}

/** Gives up without another word: the parts have said what is wrong. */
export function giveUp(): never {
  throw abandoned;
}

/** What the function gives; `undefined` when it gave up. */
export function attempt<T>(read: () => T): { readonly value: T } | undefined {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof Abandoned) return undefined;
    throw error;
  }
}

/** The value as it is shown in messages, shortened. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "string") return JSON.stringify(brief(value));
  return String(value);
}

function brief(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}
