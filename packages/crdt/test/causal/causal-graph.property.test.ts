// The graph against its definitions: random histories of a few agents, small enough for every
// operation's ancestors to be written down.
import { expect, test } from "vitest";
import { CausalGraph } from "../../src/causal/causal-graph.ts";
import { dominators, Side } from "../../src/causal/difference.ts";
import { generator } from "../generator.ts";
import { checkCuts, grow, unionOf, type World } from "./history.ts";

function checkVersions({ graph, known }: World, below: (limit: number) => number): void {
  const draw = () => dominators(graph, [below(known.length), below(known.length)]);
  const [left, right] = [draw(), draw()];
  const [leftKnown, rightKnown] = [unionOf(known, left), unionOf(known, right)];
  const only: Record<number, number[]> = { [Side.Left]: [], [Side.Right]: [] };
  graph.walkDifference(left, right, (from, to, side) => {
    for (let lv = to - 1; lv >= from; lv--) only[side]!.push(lv);
  });
  const descending = (a: number, b: number): number => b - a;
  expect(only[Side.Left]).toEqual(
    [...leftKnown].filter((lv) => !rightKnown.has(lv)).sort(descending),
  );
  expect(only[Side.Right]).toEqual(
    [...rightKnown].filter((lv) => !leftKnown.has(lv)).sort(descending),
  );
  const gap = known.findIndex((_, lv) => !leftKnown.has(lv));
  expect(graph.coveredBy(left)).toBe(gap === -1 ? known.length : gap);
}

test("heads, cuts, names and differences are what their definitions say", () => {
  for (let seed = 0; seed < 400; seed++) {
    const below = generator(seed);
    const world: World = { graph: new CausalGraph(), known: [] };
    grow(world, below, 1 + below(12));
    const { graph, known } = world;
    const heads = known.flatMap((_, lv) => {
      return known.some((others, other) => other !== lv && others.has(lv)) ? [] : [lv];
    });
    expect(graph.heads).toEqual(heads);
    checkCuts(world);
    for (let i = 0; i < 4; i++) checkVersions(world, below);
    for (let lv = 0; lv < known.length; lv++) {
      expect(graph.lvOf(graph.runAgent(graph.runOf(lv)), graph.seqOf(lv))).toBe(lv);
    }
  }
});

test("what is rolled back was never there", () => {
  for (let seed = 0; seed < 300; seed++) {
    const below = generator(seed);
    const world: World = { graph: new CausalGraph(), known: [] };
    grow(world, below, 1 + below(10));
    const { graph, known } = world;
    const twin = graph.clone();
    graph.mark();
    for (let i = below(6); i >= 0; i--) {
      // Only from outside: what is made here is never taken back.
      const parents = dominators(graph, [below(graph.length)]);
      graph.add(graph.agentNumber(["ann", "dora"][below(2)]!), 1 + below(3), parents);
    }
    graph.rollBack();
    expect(graph.length).toBe(known.length);
    expect([...graph.vector()]).toEqual([...twin.vector()]);
    expect(graph.heads).toEqual(twin.heads);
    checkCuts(world);
    // And it goes on as if nothing had been.
    grow(world, below, 4);
    checkCuts(world);
  }
});
