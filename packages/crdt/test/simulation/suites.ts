// The suites of `npm run simulate crdt`, by name. A suite takes a seed, and throws what is wrong,
// with the shortest list of steps that it found. To add one, add a line.
import { drawDocumentSteps, playDocuments } from "../document/world.ts";
import { checkRandomFrame } from "../encoding/random-frames.ts";
import type { Subject } from "../lattice/case.ts";
import { cases } from "../lattice/cases.ts";
import { exploreBoundedCounter } from "../lattice/explore-bounded-counter.ts";
import { mapCases } from "../lattice/map-cases.ts";
import { checkRandomBytes } from "../lattice/random-bytes.ts";
import { drawSteps, replicasOf, runSteps } from "../lattice/schedule.ts";
import { drawSteps as drawMovableSteps, play as playMovable } from "../movable-list/schedule.ts";
import { sequenceSuites } from "../sequence/suites.ts";
import { checkManyMoves } from "../tree/many-moves.ts";
import { treeCase } from "../tree/tree-case.ts";
import { shrink } from "./shrink.ts";

/** One kind of schedules. */
export interface Suite {
  readonly name: string;
  /** How many of them `npm run simulate` runs when it is not told. */
  readonly cases: number;
  /** How many of them `npm test` runs. */
  readonly casesInTest: number;
  /** Runs the schedule of a seed; throws a {@link Failure}. */
  readonly check: (seed: number, subject: Subject) => void;
}

/** A schedule that went wrong, as short as it could be made. */
export class Failure extends Error {
  constructor(suite: string, seed: number, steps: readonly unknown[], cause: unknown) {
    const list = steps.map((step) => `  ${JSON.stringify(step)}`).join("\n");
    super(`${suite}, seed ${seed}: ${cause instanceof Error ? cause.message : cause}\n${list}`, {
      cause,
    });
    this.name = "Failure";
  }
}

/** Runs a list of steps, and shrinks it when it fails. */
export function checkSteps<S>(
  suite: string,
  seed: number,
  steps: readonly S[],
  run: (steps: readonly S[]) => void,
): void {
  try {
    run(steps);
  } catch (error) {
    const shrunk = shrink(steps, run);
    throw new Failure(suite, seed, shrunk?.steps ?? steps, shrunk?.failure ?? error);
  }
}

const isLarge = (name: string): boolean => name.includes("-map") || name === treeCase.name;

/** Every suite. */
export const suites: readonly Suite[] = [
  ...sequenceSuites,
  {
    name: "movable-list",
    cases: 100_000,
    casesInTest: 1_000,
    check: (seed, subject) =>
      checkSteps("movable-list", seed, drawMovableSteps(seed), (steps) =>
        playMovable(subject, steps, 2 + (seed % 3)),
      ),
  },
  {
    name: "document",
    cases: 20_000,
    casesInTest: 250,
    check: (seed, subject) =>
      checkSteps("document", seed, drawDocumentSteps(seed), (steps) =>
        playDocuments(subject, steps, 2 + (seed % 3)),
      ),
  },
  ...[...cases, ...mapCases, treeCase].map((it) => ({
    name: it.name,
    cases: isLarge(it.name) ? 100_000 : 10_000,
    casesInTest: isLarge(it.name) ? 1_500 : 500,
    check: (seed: number, subject: Subject) =>
      checkSteps(it.name, seed, drawSteps(it, seed), (steps) =>
        runSteps(subject, it, steps, replicasOf(seed)),
      ),
  })),
  {
    name: "bounded-counter-exhaustively",
    cases: 1,
    casesInTest: 0,
    check: (_, subject) => void exploreBoundedCounter(subject, 8),
  },
  {
    name: "random-bytes",
    cases: 1_000_000,
    casesInTest: 0,
    check: (seed, subject) => void checkRandomBytes(subject, seed),
  },
  ...(["text", "list", "tree", "document"] as const).map((kind) => ({
    name: `random-bytes-of-a-${kind}`,
    cases: 1_000_000,
    casesInTest: 500,
    check: (seed: number, subject: Subject) => checkRandomFrame(subject, kind, seed),
  })),
  {
    name: "movable-tree-of-a-million-moves",
    cases: 1,
    casesInTest: 0,
    check: (seed, subject) => checkManyMoves(subject, seed, 1_000_000),
  },
];
