// One container inside a document: what the document asks of it, whatever it holds. A container
// keeps its own structure and its own names for operations; the document tells it when a change
// begins, and whether it was made or must be forgotten.
//
// Two things can fail half-way: a change whose function throws, and bytes that pass every check and
// still cannot have been made by an honest replica. Both end in `rollBack`, which makes the
// container anew from what its counts say was agreed. That takes time in its size; the happy path
// pays nothing for it.
import { CrdtError } from "../errors.ts";
import { CausalContext } from "../lattice/context.ts";
import { Counts, type Vector } from "./counts.ts";

/** What is open to writing, and who wants to hear. One for each document. */
export class Gate {
  /** Whether a change is being made: otherwise containers can only be read. */
  isOpen = false;
  /** What happens, while somebody listens. */
  heard: Heard[] | undefined;

  /** @throws TypeError outside of a change */
  check(): void {
    if (!this.isOpen) throw new TypeError("a container is written to inside of `change` only");
  }
}

/** Something that reads differently now, in one container. */
export interface Heard {
  /** Which container. */
  readonly container: string;
  /** A splice of a sequence, a change of a value, or the move of a node. */
  readonly change: unknown;
}

/** What concurrent changes have done that people should see. See conflicts.ts. */
export interface Conflict {
  /** Which container. */
  readonly container: string;
  /** Where in the container: keys of maps, and the member of a set. */
  readonly path: readonly unknown[];
  /**
   * `several-values`: a multi-value register holds more than one. `overwritten`: of concurrent
   * writes to a last-writer-wins register one is read, the others are lost. `kept`: what was
   * removed by one was written by another at the same time, and stays.
   */
  readonly kind: "several-values" | "overwritten" | "kept";
}

/** What a change did to one container: enough to do the opposite. */
export interface Undoable {
  /** Does the opposite of what is left of it, inside of a change. */
  undo(): void;
  /** Says that it will not be asked. */
  forget(): void;
}

/** A part of an update that was found fit, and is not applied yet. */
export interface Prepared {
  /** Applies it. Throws `CrdtError` if it was not what it seemed; then `rollBack` is due. */
  apply(isConcurrent: (seq: number) => boolean): readonly Conflict[];
}

/** A container. */
export abstract class Slot {
  readonly name: string;
  readonly agent: string;
  /** The number of its type in bytes. */
  readonly tag: number;
  readonly counts: Counts = new Counts();
  protected readonly gate: Gate;

  constructor(name: string, tag: number, agent: string, gate: Gate) {
    this.name = name;
    this.tag = tag;
    this.agent = agent;
    this.gate = gate;
  }

  /** The bytes that its history takes, about; 0 where it keeps none. */
  get bytes(): number {
    return 0;
  }

  /** What users read and write. */
  abstract readonly container: unknown;
  /** Whether the change being made has written to it. */
  abstract readonly isTouched: boolean;
  /** How many operations of its own agent it has. */
  abstract readonly own: number;
  /** Makes the change part of what is agreed: it has this number. */
  abstract commit(seq: number): Undoable;
  /** Goes back to what is agreed. */
  abstract rollBack(): void;

  /** What a container that has these operations lacks; all the same if it is nothing. */
  abstract since(vector: Vector): Uint8Array;
  /** What was written here when it had so many operations of its own, and since. */
  abstract flush(ownBefore: number): Uint8Array;
  /** Checks a part of an update. After it, the container must have exactly these operations. */
  abstract prepare(bytes: Uint8Array, after: Vector): Prepared;
  /** Everything. */
  abstract encode(): Uint8Array;
  /**
   * Checks a container of a replica that has all that this one has, and takes its place. What it
   * throws when it is applied, it throws before anything has changed.
   */
  prepareWhole(bytes: Uint8Array, after: Vector): Prepared {
    return this.prepare(bytes, after);
  }
  /** Lets go of what was done in a version from which all else descends; only types with a past. */
  compact(_version: Vector): void {}
  /** Does again what these authors did in another container, inside of a change; only sequences. */
  rebase(_mine: Slot, _authors: ReadonlySet<string>): void {}
  /** Takes what {@link encode} gave, into an empty container. */
  abstract load(bytes: Uint8Array): void;
  abstract digest(): string;
  /** The container as it was; undefined for a type without a history. */
  abstract at(vector: Vector): unknown;
  /** Begins, or ceases, to tell the gate what happens. */
  abstract listen(on: boolean): void;

  /** Refuses what does not make the container that its update described. */
  protected refuse(why: string): CrdtError {
    return new CrdtError("CRDT_CORRUPT", `container ${JSON.stringify(this.name)}: ${why}`);
  }
}

/** The dots of these operations, counted from 1. */
export function contextOf(vector: Vector): CausalContext {
  const runs = new Map<string, number[]>();
  for (const [agent, count] of vector) if (count > 0) runs.set(agent, [1, count + 1]);
  return new CausalContext(runs);
}

/** Whether both say the same. */
export function isSameVector(a: Vector, b: Vector): boolean {
  if (a.size !== b.size) return false;
  for (const [agent, count] of a) if (b.get(agent) !== count) return false;
  return true;
}
