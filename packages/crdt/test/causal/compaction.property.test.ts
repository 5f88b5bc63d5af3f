// Cutting a graph against the definitions: where it may be cut, and that what is above the cut is
// what it was.
import { expect, test } from "vitest";
import { CausalGraph } from "../../src/causal/causal-graph.ts";
import { graphAbove, stableCut } from "../../src/causal/compaction.ts";
import { generator } from "../generator.ts";
import { checkCuts, grow, isCut, unionOf, type World } from "./history.ts";

type Below = (limit: number) => number;

// Any number of the operations of each.
function drawVersion({ graph }: World, below: Below): Map<string, number> {
  const version = new Map<string, number>();
  for (const [agent, count] of graph.vector()) {
    version.set(agent, below(3) === 0 ? below(count + 1) : count);
  }
  return version;
}

const nameOf = ({ graph }: World, lv: number): { agent: string; seq: number } => {
  return { agent: graph.agents[graph.runAgent(graph.runOf(lv))]!, seq: graph.seqOf(lv) };
};

function expectedCut(world: World, stable: ReadonlyMap<string, number>): number {
  const isStable = world.known.map((_, lv) => {
    const { agent, seq } = nameOf(world, lv);
    return seq < (stable.get(agent) ?? 0);
  });
  const first = isStable.includes(false) ? isStable.indexOf(false) : isStable.length;
  let cut = first;
  while (cut > 0 && !isCut(world, cut)) cut--;
  return cut;
}

function worldAbove({ graph, known }: World, cut: number): World {
  const above = known.slice(cut).map((ancestors) => {
    return new Set([...ancestors].filter((lv) => lv >= cut).map((lv) => lv - cut));
  });
  return { graph: graphAbove(graph, cut), known: above };
}

test("it is cut at the greatest cut that is stable, and goes on from there as it was", () => {
  let cuts = 0;
  for (let seed = 0; seed < 600; seed++) {
    const below = generator(seed);
    const world: World = { graph: new CausalGraph(), known: [] };
    grow(world, below, 1 + below(12));
    const { graph, known } = world;
    const stable = drawVersion(world, below);
    const cut = stableCut(graph, stable);
    expect(cut).toBe(expectedCut(world, stable));
    if (cut === 0) continue;
    cuts++;
    const above = worldAbove(world, cut);
    expect([...above.graph.vector()].sort()).toEqual([...graph.vector()].sort());
    expect(above.graph.operations).toBe(graph.operations);
    expect(above.graph.heads).toEqual(graph.heads.filter((lv) => lv >= cut).map((lv) => lv - cut));
    for (let lv = 0; lv < above.known.length; lv++) {
      expect(nameOf(above, lv)).toEqual(nameOf(world, lv + cut));
      expect(unionOf(above.known, above.graph.parentsOf(lv)).add(lv)).toEqual(above.known[lv]);
    }
    const heads = known.slice(0, cut).flatMap((_, lv) => {
      const isHead = !known.slice(0, cut).some((all, other) => other !== lv && all.has(lv));
      return isHead ? [nameOf(world, lv)] : [];
    });
    expect(above.graph.base?.heads).toEqual(heads);
    checkCuts(above);
    grow(above, below, 4);
    checkCuts(above);
  }
  expect(cuts).toBeGreaterThan(100);
});

test("cut twice is cut once", () => {
  for (let seed = 0; seed < 300; seed++) {
    const below = generator(seed);
    const world: World = { graph: new CausalGraph(), known: [] };
    grow(world, below, 4 + below(12));
    const { graph } = world;
    const [first, all] = [stableCut(graph, drawVersion(world, below)), graph.length];
    if (first === 0) continue;
    const twice = graphAbove(graph, first);
    const once = graphAbove(graph, all);
    expect(stableCut(twice, graph.vector())).toBe(all - first);
    const { base } = first === all ? twice : graphAbove(twice, all - first);
    expect(base).toEqual(once.base);
  }
});
