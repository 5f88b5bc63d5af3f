// The documents of the schedules, and how to compare what they read.
import { isDeepStrictEqual } from "node:util";
import type * as crdt from "../../src/index.ts";

/** The package, or a copy of it with a planted bug. */
export type Package = typeof crdt;

/** A container of nearly every type, and marks that every change leaves in three of them. */
export const schemaOf = (it: Package) => ({
  title: it.text(),
  notes: it.list<number>(),
  queue: it.movableList<number>(),
  tags: it.addWinsSet<number>(),
  stars: it.pnCounter(),
  outline: it.tree(),
  meta: it.addWinsMap(),
  status: it.mvRegister<number>(),
  owner: it.lwwRegister<number>(),
  open: it.enableWinsFlag(),
  marks: it.growSet<string>(),
  marked: it.growCounter(),
  marksToo: it.removeWinsSet<string>(),
});
/** A document of it. */
export type Doc = crdt.Document<ReturnType<typeof schemaOf>>;
/** What a change writes to. */
export type Writers = Parameters<Parameters<Doc["change"]>[0]>[0];

/**
 * What a map reads. A counter that has counted back to zero is still there: that is its type.
 */
export function plain(map: { toJSON(): unknown }): unknown {
  const isNothing = (value: unknown): boolean => value === 0 || isDeepStrictEqual(value, {});
  return JSON.parse(JSON.stringify(map), (key, value) => {
    return key !== "" && isNothing(value) ? undefined : value;
  });
}

/**
 * What a tree is. Siblings that two have put in one place at a time are ordered by the names of
 * their moves, and a move back is another move: the order of those is not looked at.
 */
export function parents(outline: crdt.TreeReader): unknown {
  return [...outline].map((node) => `${node} below ${outline.parent(node)}`).sort();
}
