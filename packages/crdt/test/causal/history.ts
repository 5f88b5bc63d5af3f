// Random histories of a few agents, with every operation's ancestors written down.
import { expect } from "vitest";
import type { CausalGraph } from "../../src/causal/causal-graph.ts";
import { dominators } from "../../src/causal/difference.ts";

/** A graph, and what it must know. */
export interface World {
  readonly graph: CausalGraph;
  /** Of each operation, what it knows, itself included. */
  readonly known: ReadonlySet<number>[];
}

const NAMES = ["ann", "bob", "carol"];

/** What those who know these operations know. */
export const unionOf = (
  known: readonly ReadonlySet<number>[],
  heads: readonly number[],
): Set<number> => new Set(heads.flatMap((head) => [...known[head]!]));

/** Adds random runs. */
export function grow(
  { graph, known }: World,
  below: (limit: number) => number,
  runs: number,
): void {
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

/** Whether each operation from here on knows each one before. */
export const isCut = ({ known }: World, cut: number): boolean =>
  known.slice(cut).every((ancestors) => {
    for (let lv = 0; lv < cut; lv++) if (!ancestors.has(lv)) return false;
    return true;
  });

/** Compares the cuts with their definition. */
export function checkCuts(world: World): void {
  const { graph, known } = world;
  const cuts = known.map((_, lv) => isCut(world, lv));
  for (let lv = 0; lv < known.length; lv++) {
    const below = cuts.lastIndexOf(true, lv);
    expect(graph.cuts.atMost(lv)).toBe(Math.max(0, below));
    const above = cuts.indexOf(true, lv);
    expect(graph.cuts.atLeast(lv, graph.length)).toBe(above === -1 ? graph.length : above);
  }
}
