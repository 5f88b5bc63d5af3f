// Seeded groups find planted bugs: of the core, each a known trap, and of what the node does around
// it. Each is found within 2,000 seeds; the one that is known to do it goes first. When a change of
// the scenario has moved it, `npm run simulate:mutants` says where to.
import path from "node:path";
import { testPlantedBugs } from "@compendium/house/planted/suite";
import { checkSeed, simulate } from "@compendium/simulation";
import { expect, test } from "vitest";
import { mutants as coreMutants } from "../mutants/mutants.ts";
import { loadGroup } from "./load.ts";
import { nodeMutants } from "./planted.ts";

type Kind = keyof Awaited<ReturnType<typeof loadGroup>>;

const known: Readonly<Record<string, readonly [Kind, number]>> = {
  "what is promised is not on the disk yet": ["three", 0],
  "term and vote are not stored": ["three", 1],
  "a write that was refused is forgotten": ["three", 0],
  "a read is answered before its index is applied": ["three", 49],
  "a repeated command is carried out again": ["three", 4],
  "a command of a session that is gone is carried out": ["three", 98],
  "a snapshot has no sessions": ["three", 30],
  "an answer goes to whoever has that number": ["three", 2],
  "the name of the identity is not synced again": ["three", 301],
  "the entry in a proposal's place answers it": ["three", 459],
  "questions are not asked again": ["three", 24],
  "a snapshot from the leader is stored and not taken": ["three", 53],
  "new members' addresses are not told to the network": ["changing", 0],
  "entries of earlier terms are committed by counting": ["three", 113],
  "an append cuts off whatever follows it": ["three", 8],
  "answers do not wait for the disk": ["three", 1],
  "a node votes for everybody who asks": ["three", 3],
  "a vote is forgotten within its term": ["three", 0],
  "a node whose term ran ahead is left alone with it": ["three", 208],
  "heartbeats carry the leader's commit index as it is": ["three", 0],
  "a joint configuration is never left by itself": ["changing", 1],
};

// How many seeds of each kind may be tried when the known one has moved.
const BUDGET: readonly [Kind, number][] = [
  ["three", 800],
  ["five", 400],
  ["changing", 800],
];

testPlantedBugs({
  packageFolder: path.join(import.meta.dirname, "../.."),
  mutants: [...nodeMutants, ...coreMutants].filter(({ name }) => known[name] !== undefined),
  heading: () => "found",
  findFault: async (source, mutant) => {
    const scenarios = await loadGroup(source);
    const first =
      mutant === undefined ? Object.values(known) : [known[mutant.name] as (typeof known)[string]];
    for (const [kind, seed] of first) {
      const { failure } = await checkSeed(scenarios[kind], seed);
      if (failure !== undefined) return `seed ${seed} of ${kind}`;
    }
    if (mutant === undefined) return undefined;
    for (const [kind, seeds] of BUDGET) {
      const { failure } = await simulate(scenarios[kind], { seeds });
      if (failure !== undefined) return `a seed of ${kind}`;
    }
    return undefined;
  },
});

test("each of the known seeds belongs to a mutant", () => {
  const names = new Set([...nodeMutants, ...coreMutants].map(({ name }) => name));
  expect(Object.keys(known).filter((name) => !names.has(name))).toEqual([]);
});
