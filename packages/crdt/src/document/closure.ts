// Versions as users hold them name some changes; a version that can be looked at holds all on which
// these depend, too.
import type { CausalGraph, VersionVector } from "../causal/causal-graph.ts";

/**
 * The changes of a version, and all on which they depend.
 *
 * @throws RangeError for changes that are not known, CrdtError `CRDT_COMPACTED` for a version that
 *   lacks a part of the base
 */
export function closureOf(graph: CausalGraph, version: VersionVector): Map<string, number> {
  const known = new Map<string, number>(graph.base?.version);
  graph.walkDifference(graph.headsOf(version), [], (from, to) => {
    for (let lv = from; lv < to; ) {
      const run = graph.runOf(lv);
      const end = Math.min(to, graph.runEnd(run));
      const agent = graph.agents[graph.runAgent(run)]!;
      known.set(agent, Math.max(known.get(agent) ?? 0, graph.seqOf(end - 1) + 1));
      lv = end;
    }
  });
  return known;
}
