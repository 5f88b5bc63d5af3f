// The schema of a document: the name of each container, and what it is. One object says it, and
// everything else is inferred from it: what a change can do to `d.title`, what can be read there,
// which containers have a past.
//
// A schema is not sent. An update names the containers that it touches and their types, so that
// replicas whose schemas differ work together on what they have in common, and a container that one
// of them lacks is refused by its name.
import type { HybridLogicalClock } from "../clock/hybrid-logical-clock.ts";
import { ByteWriter } from "../encoding/byte-writer.ts";
import { AddWinsSet } from "../lattice/add-wins-set.ts";
import { BoundedCounter } from "../lattice/bounded-counter.ts";
import { digestOf } from "../lattice/digest.ts";
import { DisableWinsFlag } from "../lattice/disable-wins-flag.ts";
import { EnableWinsFlag } from "../lattice/enable-wins-flag.ts";
import { GrowCounter } from "../lattice/grow-counter.ts";
import { GrowSet } from "../lattice/grow-set.ts";
import type { Kind } from "../lattice/kind.ts";
import * as kinds from "../lattice/kinds.ts";
import { LwwRegister } from "../lattice/lww-register.ts";
import { MvRegister } from "../lattice/mv-register.ts";
import { PnCounter } from "../lattice/pn-counter.ts";
import { RemoveWinsSet } from "../lattice/remove-wins-set.ts";
import type { FieldOf, Replicated } from "../lattice/replicated.ts";
import { AddWinsMap, RemoveWinsMap } from "../lattice/replicated-map.ts";
import { compareStrings, type Scalar } from "../lattice/scalar.ts";
import { TwoPhaseSet } from "../lattice/two-phase-set.ts";
import type { MovableList } from "../movable-list/movable-list.ts";
import type { List } from "../sequence/list.ts";
import type { Text } from "../sequence/text.ts";
import type { MovableTree } from "../tree/movable-tree.ts";
import { LatticeSlot, type Make } from "./lattice-slot.ts";
import { MovableListSlot } from "./movable-list-slot.ts";
import { ListDoor, SequenceSlot, TextDoor } from "./sequence-slot.ts";
import type { Gate, Slot } from "./slot.ts";
import { TreeSlot } from "./tree-slot.ts";

type ReadsOfText = "length" | "slice" | "toString" | "anchorAt" | "positionOf";
type ReadsOfList = "length" | "get" | "toArray" | "anchorAt" | "positionOf";
type ReadsOfMovableList = ReadsOfList | typeof Symbol.iterator;
type ReadsOfTree = "has" | "parent" | "children" | "toJSON" | typeof Symbol.iterator;

/** A text as it is read. */
export type TextReader = Pick<Text, ReadsOfText>;
/** A text inside of a change. */
export type TextWriter = Pick<Text, ReadsOfText | "insert" | "delete">;
/** A list as it is read. */
export type ListReader<T extends Scalar> = Pick<List<T>, ReadsOfList>;
/** A list inside of a change. */
export type ListWriter<T extends Scalar> = Pick<List<T>, ReadsOfList | "insert" | "delete">;
/** A movable list as it is read. */
export type MovableListReader<T extends Scalar> = Pick<MovableList<T>, ReadsOfMovableList>;
/** A movable list inside of a change. */
export type MovableListWriter<T extends Scalar> = Pick<
  MovableList<T>,
  ReadsOfMovableList | "insert" | "push" | "move" | "set" | "delete"
>;
/** A tree as it is read. */
export type TreeReader = Pick<MovableTree, ReadsOfTree>;
/** A tree inside of a change. */
export type TreeWriter = Pick<MovableTree, ReadsOfTree | "add" | "move" | "delete">;

type Verbs = "add" | "clear" | "decrement" | "delete" | "disable" | "enable";
type MoreVerbs = "increment" | "reset" | "set" | "transfer";
type OpensFields = Extract<
  keyof AddWinsMap,
  "counter" | "disableWinsFlag" | "flag" | "map" | "register" | "removeWinsMap" | "removeWinsSet"
>;
/** A value as it is read. Of a map, that is its keys and its JSON. */
export type ValueReader<T> = T extends AddWinsMap | RemoveWinsMap
  ? Omit<FieldOf<T>, OpensFields | "delete" | "set" | "values">
  : Omit<FieldOf<T>, Verbs | MoreVerbs>;

/** How a container is opened. */
export interface Opening {
  readonly name: string;
  readonly agent: string;
  readonly gate: Gate;
  readonly clock: HybridLogicalClock | undefined;
}

/**
 * What a container is. `W` is what a change does to it, `R` what is read of it, and `P` what its
 * past is: `never` for a type that keeps none.
 */
export interface ContainerType<W, R, P = never> {
  /** What it is called in errors. */
  readonly type: string;
  /** Opens an empty one. */
  readonly open: (opening: Opening) => Slot;
  /** For inference alone: it is never there. */
  readonly inferred?: { readonly write: W; readonly read: R; readonly past: P };
}

/** Names to containers. */
export type Schema = Readonly<Record<string, ContainerType<unknown, unknown, unknown>>>;

/** What a change works on. */
export type Writers<S extends Schema> = {
  readonly [K in keyof S]: S[K] extends ContainerType<infer W, unknown, unknown> ? W : never;
};

/** What is read outside of a change. */
export type Readers<S extends Schema> = {
  readonly [K in keyof S]: S[K] extends ContainerType<unknown, infer R, unknown> ? R : never;
};

type PastOf<T> = T extends ContainerType<unknown, unknown, infer P> ? P : never;

/** The containers that have a past: texts, lists of both kinds and trees. Others are not there. */
export type Past<S extends Schema> = {
  readonly [K in keyof S as [PastOf<S[K]>] extends [never] ? never : K]: PastOf<S[K]>;
};

/** A fingerprint of the names and types in a schema: 32 hexadecimal digits. */
export function schemaDigest(schema: Schema): string {
  const writer = new ByteWriter();
  for (const name of Object.keys(schema).sort(compareStrings)) {
    writer.string(name);
    writer.string(schema[name]!.type);
  }
  return digestOf(writer.take());
}

/** A text. */
export function text(): ContainerType<TextWriter, TextReader, TextReader> {
  return {
    type: "text",
    open: ({ name, agent, gate }) =>
      new SequenceSlot(name, agent, gate, (tell) => new TextDoor(agent, gate, tell)),
  };
}

/** A list of scalars. */
export function list<T extends Scalar = Scalar>(): ContainerType<
  ListWriter<T>,
  ListReader<T>,
  ListReader<T>
> {
  return {
    type: "list",
    open: ({ name, agent, gate }) =>
      new SequenceSlot(name, agent, gate, (tell) => new ListDoor(agent, gate, tell)),
  };
}

/** A list of scalars that can be moved and set. */
export function movableList<T extends Scalar = Scalar>(): ContainerType<
  MovableListWriter<T>,
  MovableListReader<T>,
  MovableListReader<T>
> {
  return {
    type: "movable-list",
    open: ({ name, agent, gate }) => new MovableListSlot(name, agent, gate),
  };
}

/** A tree of nodes that move. */
export function tree(): ContainerType<TreeWriter, TreeReader, TreeReader> {
  return { type: "tree", open: ({ name, agent, gate }) => new TreeSlot(name, agent, gate) };
}

/** A value on the lattice: it has no past. */
export type ValueType<T> = ContainerType<FieldOf<T>, ValueReader<T>>;

// Every type takes a root in place of its options; not all of them say so in their types.
function value<T>(kind: unknown, type: new (at: never) => T): ValueType<T> {
  const of = kind as Kind<unknown>;
  const make: Make = (root) => new type(root as never) as Replicated<unknown>;
  return {
    type: of.name,
    open: ({ name, agent, gate, clock }) => new LatticeSlot(name, of, make, agent, gate, clock),
  };
}

/** A counter that goes up. No undo. */
export function growCounter(): ValueType<GrowCounter> {
  return value(kinds.growCounter, GrowCounter);
}

/** A counter that goes both ways. */
export function pnCounter(): ValueType<PnCounter> {
  return value(kinds.pnCounter, PnCounter);
}

/** A counter that is never below 0, by rights. No undo. */
export function boundedCounter(): ValueType<BoundedCounter> {
  return value(kinds.boundedCounter, BoundedCounter);
}

/** A register in which the last writer wins. Writing to it needs the option `clock`. */
export function lwwRegister<T extends Scalar = Scalar>(): ValueType<LwwRegister<T>> {
  return value<LwwRegister<T>>(kinds.lwwRegister, LwwRegister);
}

/** A register that shows all concurrent writes. */
export function mvRegister<T extends Scalar = Scalar>(): ValueType<MvRegister<T>> {
  return value<MvRegister<T>>(kinds.mvRegister, MvRegister);
}

/** A flag; enabling wins. */
export function enableWinsFlag(): ValueType<EnableWinsFlag> {
  return value(kinds.enableWinsFlag, EnableWinsFlag);
}

/** A flag; disabling wins. No undo. */
export function disableWinsFlag(): ValueType<DisableWinsFlag> {
  return value(kinds.disableWinsFlag, DisableWinsFlag);
}

/** A set that grows. No undo. */
export function growSet<T extends Scalar = Scalar>(): ValueType<GrowSet<T>> {
  return value<GrowSet<T>>(kinds.growSet, GrowSet);
}

/** A set in which a deletion is final. No undo. */
export function twoPhaseSet<T extends Scalar = Scalar>(): ValueType<TwoPhaseSet<T>> {
  return value<TwoPhaseSet<T>>(kinds.twoPhaseSet, TwoPhaseSet);
}

/** A set; adding wins. */
export function addWinsSet<T extends Scalar = Scalar>(): ValueType<AddWinsSet<T>> {
  return value<AddWinsSet<T>>(kinds.addWinsSet, AddWinsSet);
}

/** A set; deleting wins. No undo. */
export function removeWinsSet<T extends Scalar = Scalar>(): ValueType<RemoveWinsSet<T>> {
  return value<RemoveWinsSet<T>>(kinds.removeWinsSet, RemoveWinsSet);
}

/** A map of values; updates win. */
export function addWinsMap(): ValueType<AddWinsMap> {
  return value(kinds.addWinsMap, AddWinsMap);
}

/** A map of values; deletions win. No undo. */
export function removeWinsMap(): ValueType<RemoveWinsMap> {
  return value(kinds.removeWinsMap, RemoveWinsMap);
}
