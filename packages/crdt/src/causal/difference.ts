// What one version knows and another does not. Both are walked back from their heads at once,
// always on from the greatest LV that has been reached: whatever leads there has been seen by
// then, for children have greater LVs than parents. An operation reached from one side only
// belongs to that side; from where both have come, the walk goes on only to mark ground as
// common, and it ends when nothing else is left. So it costs about the runs that differ, and not
// the history.
//
// Reference: the same walk is `diff` in github.com/josephg/diamond-types.

/** Which of two versions holds an operation. */
export const Side = { Left: 1, Right: 2, Both: 3 } as const;

/** As much of a causal graph as this needs. */
interface Graph {
  runOf(lv: number): number;
  runStart(run: number): number;
  forEachParent(run: number, visit: (parent: number) => void): void;
}

/**
 * Shows the operations that only one of two versions holds, in descending runs [from, to), each
 * within one run of the graph. Costs about the number of runs that differ.
 */
export function walkDifference(
  graph: Graph,
  left: readonly number[],
  right: readonly number[],
  visit: (from: number, to: number, side: number) => void,
): void {
  // Keys ascend by LV; the lowest two bits say from which side the operation was reached.
  const queue: number[] = [];
  for (const lv of left) enqueue(queue, lv * 4 + Side.Left);
  for (const lv of right) enqueue(queue, lv * 4 + Side.Right);
  let open = queue.length; // Those reached from one side only; the rest is common ground.
  while (open > 0) {
    const key = queue.pop()!;
    let side = key % 4;
    let last = (key - side) / 4;
    if (side !== Side.Both) open--;
    const run = graph.runOf(last);
    const start = graph.runStart(run);
    while (queue.length > 0 && queue[queue.length - 1]! >= start * 4) {
      const next = queue.pop()!;
      const nextSide = next % 4;
      if (nextSide !== Side.Both) open--;
      if (nextSide === side) continue;
      const nextLast = (next - nextSide) / 4;
      if (side !== Side.Both && nextLast < last) visit(nextLast + 1, last + 1, side);
      last = nextLast;
      side = Side.Both;
    }
    if (side !== Side.Both) visit(start, last + 1, side);
    graph.forEachParent(run, (parent) => {
      enqueue(queue, parent * 4 + side);
      if (side !== Side.Both) open++;
    });
  }
}

/** Those of the operations given that are ancestors of no other, ascending. */
export function dominators(graph: Graph, lvs: readonly number[]): number[] {
  const kept = [...new Set(lvs)].sort((a, b) => a - b);
  for (let i = kept.length - 2; i >= 0; i--) {
    const lv = kept[i]!;
    let isAncestor = true;
    walkDifference(graph, [lv], kept.slice(i + 1), (_, to, side) => {
      if (side === Side.Left && to === lv + 1) isAncestor = false;
    });
    if (isAncestor) kept.splice(i, 1);
  }
  return kept;
}

/** Whether two versions, given by their heads, are the same one. */
export function sameVersion(version: readonly number[], other: readonly number[]): boolean {
  if (version.length !== other.length) return false;
  for (let i = 0; i < version.length; i++) if (version[i] !== other[i]) return false;
  return true;
}

// Insertion from the end: queues are as short as there are branches.
function enqueue(queue: number[], key: number): void {
  let at = queue.length;
  while (at > 0 && queue[at - 1]! > key) at--;
  queue.splice(at, 0, key);
}
