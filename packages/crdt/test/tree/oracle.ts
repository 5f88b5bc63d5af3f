// The tree as the paper defines it, with nothing made fast: all moves, sorted, one after the other.
import type { Move, TreeJson } from "../../src/index.ts";

/** Whether the first move takes effect before the second. */
function isBefore(a: Move, b: Move): number {
  if (a.time !== b.time) return a.time - b.time;
  if (a.replica !== b.replica) return a.replica < b.replica ? -1 : 1;
  return a.counter - b.counter;
}

/** Nodes with the moves that they follow, after all these moves. */
export function follow(moves: readonly Move[]): Map<string, Move> {
  const follows = new Map<string, Move>();
  for (const move of moves.toSorted(isBefore)) {
    let above: string | undefined = move.parent;
    while (above !== undefined && above !== move.node) above = follows.get(above)?.parent;
    if (above === undefined) follows.set(move.node, move);
  }
  return follows;
}

/** The tree of these moves, as JSON. */
export function treeOf(moves: readonly Move[]): TreeJson[] {
  const follows = follow(moves);
  const children = (parent: string): TreeJson[] =>
    [...follows.values()]
      .filter((move) => move.parent === parent)
      .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
      .map(({ node }) => ({ node, children: children(node) }));
  return children("root");
}

// Positions are compared with the names of their moves behind them.
function placeOf({ position, replica, counter }: Move): string {
  const digits = [3, 2, 1, 0].map((i) => Math.floor(counter / 16_384 ** i) % 16_384);
  return `${position}\u0001${replica}${digits.map((it) => String.fromCharCode(2 + it)).join("")}`;
}
