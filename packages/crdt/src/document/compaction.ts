// Letting go of a document's history. Its graph is cut where a stable version allows it
// (causal/base.ts); every change above the cut was made in knowledge of all below, and so was
// whatever it did to a container. Hence the operations of the changes below are a cut of the
// container's own history, and its past ends where that of the document does.
//
// Values on the lattice have no past to let go of; movable lists keep theirs.
import type { Base } from "../causal/base.ts";
import type { CausalGraph, VersionVector } from "../causal/causal-graph.ts";
import { graphAbove, stableCut } from "../causal/compaction.ts";
import type { Slot } from "./slot.ts";

/** What is left of a document's graph. */
export interface Compacted {
  /** How many changes have gone. */
  readonly cut: number;
  readonly graph: CausalGraph;
  readonly base: Base;
}

/** Cuts a graph, and with it the containers; undefined if nothing can go. */
export function compactAll(
  graph: CausalGraph,
  slots: Iterable<Slot>,
  stable: VersionVector,
): Compacted | undefined {
  const cut = stableCut(graph, stable);
  if (cut === 0) return undefined;
  const above = graphAbove(graph, cut);
  const base = above.base!;
  for (const slot of slots) {
    slot.compact(slot.counts.vector(base.version));
    slot.counts.compact(base.version);
  }
  return { cut, graph: above, base };
}
