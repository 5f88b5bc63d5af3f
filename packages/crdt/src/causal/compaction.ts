// Letting go of history: which part of a graph may go (base.ts says why), and the graph without it.
// Its operations keep their names, and get new LVs, counted from the cut.
import { type Base, countIn, type OperationId, type VersionVector } from "./base.ts";
import { CausalGraph } from "./causal-graph.ts";
import { dominators } from "./difference.ts";

/** The greatest cut below which all is in this version, which every replica has. */
export function stableCut(graph: CausalGraph, stable: VersionVector): number {
  let lv = graph.length;
  for (const [number, name] of graph.agents.entries()) {
    const first = Math.max(countIn(stable, name), graph.base?.version.get(name) ?? 0);
    if (first < graph.nextSeqs[number]!) lv = Math.min(lv, graph.lvOf(number, first));
  }
  return lv === graph.length ? lv : graph.cuts.atMost(lv);
}

/** The graph from a cut above 0 on, with what is below it as its base. */
export function graphAbove(graph: CausalGraph, cut: number): CausalGraph {
  const above = new CausalGraph(baseAt(graph, cut));
  for (let lv = cut; lv < graph.length; ) {
    const run = graph.runOf(lv);
    const end = graph.runEnd(run);
    // One who knows anything above the cut knows the base, and needs not name it.
    const parents = graph.parentsOf(lv).filter((parent) => parent >= cut);
    const agent = above.agentNumber(graph.agents[graph.runAgent(run)]!);
    above.add(
      agent,
      end - lv,
      parents.map((parent) => parent - cut),
    );
    lv = end;
  }
  return above;
}

function baseAt(graph: CausalGraph, cut: number): Base {
  const version = new Map(graph.base?.version);
  for (let lv = 0; lv < cut; ) {
    const run = graph.runOf(lv);
    const end = Math.min(cut, graph.runEnd(run));
    version.set(graph.agents[graph.runAgent(run)]!, graph.seqOf(end - 1) + 1);
    lv = end;
  }
  const last = cut === graph.length ? graph.heads : graph.parentsOf(cut);
  const heads = dominators(graph, last).map((lv): OperationId => {
    return { agent: graph.agents[graph.runAgent(graph.runOf(lv))]!, seq: graph.seqOf(lv) };
  });
  return { version, heads, operations: (graph.base?.operations ?? 0) + cut };
}
