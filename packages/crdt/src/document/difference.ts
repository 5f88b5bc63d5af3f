// What is different between two versions of the containers that have a past. For a sequence that is
// one splice: what stands between their common beginning and their common end. It is not the
// history between them, which may have put something in and taken it out again; for a tree it is
// the nodes whose parent is another.
import type { Scalar } from "../lattice/scalar.ts";
import { MovableList } from "../movable-list/movable-list.ts";
import { List } from "../sequence/list.ts";
import { Text } from "../sequence/text.ts";
import type { MovableTree, TreeChange } from "../tree/movable-tree.ts";
import type { SequenceSplice } from "./sequence-slot.ts";

/** What is different in one container. */
export type ContainerDiff =
  | { readonly type: "splice"; readonly splice: SequenceSplice }
  | { readonly type: "moves"; readonly moves: readonly TreeChange[] };

/** By the name of the container; those that are the same are not in it. */
export type DocumentDiff = ReadonlyMap<string, ContainerDiff>;

/** The difference between two pasts of one document. */
export function differenceOf(from: object, to: object): DocumentDiff {
  const all = new Map<string, ContainerDiff>();
  for (const [name, before] of Object.entries(from)) {
    const after = (to as Record<string, unknown>)[name];
    const isSequence = [Text, List, MovableList].some((type) => before instanceof type);
    const found = isSequence
      ? between(before as Sequence, after as Sequence)
      : movesBetween(before as MovableTree, after as MovableTree);
    if (found !== undefined) all.set(name, found);
  }
  return all;
}

type Sequence = Text | List | MovableList;

function between(before: Sequence, after: Sequence): ContainerDiff | undefined {
  const [old, now] = [unitsOf(before), unitsOf(after)];
  const most = Math.min(old.length, now.length);
  let start = 0;
  while (start < most && Object.is(old[start], now[start])) start++;
  let end = 0;
  while (end < most - start && Object.is(old.at(-1 - end), now.at(-1 - end))) end++;
  if (old.length === now.length && start === most) return undefined;
  const isText = after instanceof Text;
  const gone = old.slice(start, old.length - end);
  const units = now.slice(start, now.length - end);
  // Of a text a unit is a character here, which may take two places.
  const position = isText ? old.slice(0, start).join("").length : start;
  const removed = isText ? gone.join("").length : gone.length;
  const inserted = isText ? units.join("") : units;
  return { type: "splice", splice: { position, removed, inserted } };
}

function unitsOf(sequence: Sequence): Scalar[] {
  return sequence instanceof Text ? [...sequence.toString()] : sequence.toArray();
}

function movesBetween(before: MovableTree, after: MovableTree): ContainerDiff | undefined {
  const moves: TreeChange[] = [];
  for (const node of new Set([...before, ...after])) {
    const [from, to] = [before.parent(node), after.parent(node)];
    if (from !== to) moves.push({ node, before: from, after: to });
  }
  return moves.length > 0 ? { type: "moves", moves } : undefined;
}
