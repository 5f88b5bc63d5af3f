// The graph against its definitions: random histories of a few agents, small enough for every
// operation's ancestors to be written down.
import { expect, test } from "vitest";
import { CausalGraph } from "../../src/causal/causal-graph.ts";
import { dominators, Side } from "../../src/causal/difference.ts";
import { generator } from "../generator.ts";

interface World {
  readonly graph: CausalGraph;
  /** Of each operation, what it knows, itself included. */
  readonly known: ReadonlySet<number>[];
}

const NAMES = ["ann", "bob", "carol"];

const unionOf = (known: readonly ReadonlySet<number>[], heads: readonly number[]): Set<number> =>
  new Set(heads.flatMap((head) => [...known[head]!]));

function grow({ graph, known }: World, below: (limit: number) => number, runs: number): void {
  for (let i = 0; i < runs; i++) {
    const count = 1 + below(4);
    const agent = graph.agentNumber(NAMES[below(3)]!);
    const from = known.length;
    if (below(3) === 0) {
      const heads = [...graph.heads];
      graph.addLocal(agent, count);
      addKnown(known, from, count, heads);
    } else {
      const drawn = known.length === 0 ? [] : [below(known.length), below(known.length)];
      const parents = dominators(graph, drawn.slice(below(2)));
      graph.add(agent, count, parents);
      addKnown(known, from, count, parents);
    }
  }
}

function addKnown(
  known: ReadonlySet<number>[],
  from: number,
  count: number,
  heads: number[],
): void {
  for (let lv = from; lv < from + count; lv++) {
    known.push(unionOf(known, lv === from ? heads : [lv - 1]).add(lv));
  }
}

const isCut = ({ known }: World, cut: number): boolean =>
  known.slice(cut).every((ancestors) => {
    for (let lv = 0; lv < cut; lv++) if (!ancestors.has(lv)) return false;
    return true;
  });

function checkCuts(world: World): void {
  const { graph, known } = world;
  const cuts = known.map((_, lv) => isCut(world, lv));
  for (let lv = 0; lv < known.length; lv++) {
    const below = cuts.lastIndexOf(true, lv);
    expect(graph.cuts.atMost(lv)).toBe(Math.max(0, below));
    const above = cuts.indexOf(true, lv);
    expect(graph.cuts.atLeast(lv, graph.length)).toBe(above === -1 ? graph.length : above);
  }
}

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
