// Fugue's order: where an insertion stands among those that nobody knew of when it was made.
//
// In Fugue (Weidner and Kleppmann, "The Art of the Fugue", 2023), a sequence is a tree. A unit
// inserted between L and R, neighbours if tombstones count, becomes a right child of L if L has no
// right child yet, and else a left child of R. Read in order (left children, the unit, right
// children), the tree is the sequence; siblings on one side stand in the order of their names.
// Typing forwards makes each unit the right child of the last, typing backwards the left child, so
// each author's run is one branch, and two branches side by side never mix.
//
// Here the tree is not built, only obeyed. R descends from L's right side exactly when L stood to
// the left of R when R was inserted, for then R is the leftmost unit of that side. So a unit
// stores two names: `left`, which is L, and `right`, which is R if it became R's left child.
// Between L and R stand, in the tracker, only units not inserted in the version that the author
// saw. The place is found by walking over them, and comparing for each the `left` it has with
// ours:
//
//   further left    it belongs to what comes behind all of L's right side: stop before it
//   further right   it hangs below something passed already: pass it, too
//   the same        it is a sibling, or on a sibling's left side. With our `right`: a sibling; stop
//                   before it if our name is the lesser. With a `right` that stands before ours: on
//                   the left side of a sibling yet to come, and goes where that one goes
//
// That `right` is the tree's parent, and not whatever stood to the right, is the difference
// between Fugue and FugueMax. Only FugueMax keeps apart two runs typed backwards whose authors
// saw different right neighbours (the paper's Figure 7); Fugue is simpler, and what other
// implementations do.
import type { CausalGraph } from "../../causal/causal-graph.ts";
import { BASE, NONE, type SpanTree } from "./span-tree.ts";

/** What finds the span of a unit. */
export interface Spans {
  readonly tree: SpanTree;
  /** The span that holds the unit of this identifier. */
  spanOf(id: number): number;
}

/**
 * The span behind which the insertion `lv` belongs. `after` is the span that ends with its `left`,
 * or NONE for the beginning; `until` is the next one that its author knew of, or NONE.
 */
export function placeOf(
  graph: CausalGraph,
  spans: Spans,
  { lv, left, right, after, until }: Readonly<Record<keyof Insertion, number>>,
): number {
  const { tree } = spans;
  let place = after;
  let undecided = false;
  let other = after === NONE ? tree.first() : tree.next(after);
  for (; other !== until; other = tree.next(other)) {
    const otherLeft = tree.left(other);
    if (otherLeft === left) {
      const otherRight = tree.right(other);
      if (otherRight === right) {
        if (graph.isBefore(lv, tree.id(other))) break;
        undecided = false;
      } else {
        undecided = standsBefore(spans, otherRight, right);
      }
    } else if (otherLeft === NONE || (left !== NONE && standsBefore(spans, otherLeft, left))) {
      break;
    }
    if (!undecided) place = other;
  }
  return place;
}

/** An insertion on its way to its place. */
export interface Insertion {
  lv: number;
  left: number;
  right: number;
  after: number;
  until: number;
}

// As right parents: NONE stands behind everything.
function standsBefore({ tree, spanOf }: Spans, id: number, other: number): boolean {
  if (id === NONE) return false;
  if (other === NONE) return true;
  // Base units stand in the order of their numbers.
  if (id >= BASE && other >= BASE) return id < other;
  const [span, otherSpan] = [spanOf(id), spanOf(other)];
  return span === otherSpan ? id < other : tree.isBefore(span, otherSpan);
}
