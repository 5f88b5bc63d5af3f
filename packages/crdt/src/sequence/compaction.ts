// Letting go of a sequence's history below a cut that is stable (causal/base.ts says which). Of
// what made the units that stand there then, only their names are kept, for anchors; of units that
// are gone by then, nothing. They become the beginning of the column, and what a tracker starts
// from.
import type { VersionVector } from "../causal/base.ts";
import type { CausalGraph } from "../causal/causal-graph.ts";
import { graphAbove, stableCut } from "../causal/compaction.ts";
import { addPiece, type Pieces } from "./content.ts";
import type { OperationLog } from "./operation-log.ts";
import { forEachPresent } from "./present.ts";
import { UnitNames } from "./unit-names.ts";
import type { History } from "./update.ts";

/** What is left of a history. */
export interface Compacted {
  /** How many operations have gone: LVs are less by as much. */
  readonly cut: number;
  readonly graph: CausalGraph;
  readonly log: OperationLog;
  /** What is left of the column. */
  readonly pieces: Pieces;
}

/** A history without what is stable of it; undefined if nothing can go. Changes nothing. */
export function compacted(
  { graph, log }: Pick<History, "graph" | "log">,
  stable: VersionVector,
): Compacted | undefined {
  const cut = stableCut(graph, stable);
  if (cut === 0) return undefined;
  const names = new UnitNames();
  const pieces: number[] = [];
  forEachPresent({ graph, log }, cut, ({ content, count, agent, seq }) => {
    names.push(agent, seq, count);
    addPiece(pieces, content, count);
  });
  names.trim();
  const above = log.above(cut, names);
  const kept = above.inserted - names.length;
  if (kept > 0) addPiece(pieces, log.inserted - kept, kept);
  return { cut, graph: graphAbove(graph, cut), log: above, pieces };
}
