// A move: "make this node a child of that one, there". Creating is moving a node that nobody has
// moved before, and deleting is moving it to the trash, so that moves are all there is.
import { compareStrings } from "../lattice/scalar.ts";

/** The node above all; it is always there. */
export const ROOT = "root";
/** Where deleted nodes are. Its children are not part of the tree. */
export const TRASH = "trash";

/** One operation on a tree. */
export interface Move {
  /** A Lamport clock: larger than that of every move its maker had seen. */
  readonly time: number;
  /** Who made it. */
  readonly replica: string;
  /** Which of his moves it is, from 1. */
  readonly counter: number;
  /** What is moved: `counter@replica` of the move that created it. */
  readonly node: string;
  /** Where to: a node, or the root, or the trash. */
  readonly parent: string;
  /** Where among its children; see position.ts. */
  readonly position: string;
}

/** The order in which moves take effect: by time, then by name; no two are equal. */
export function compareMoves(a: Move, b: Move): number {
  return a.time - b.time || compareStrings(a.replica, b.replica) || a.counter - b.counter;
}

/** The name of the node that a move with this name creates. */
export function nodeOf(replica: string, counter: number): string {
  return `${counter}@${replica}`;
}
