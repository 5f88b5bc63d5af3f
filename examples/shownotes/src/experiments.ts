// The experiments beside X1. X1 makes its protected stack the live one, so the lab runs that one
// itself; these run on processes of their own, leave the live stack alone, and end with what they
// have to say. To add one, write it in a file of its own, and name it in the list below.
import { x2 } from "./x2.ts";
import { createX3 } from "./x3.ts";
import type { X3Source } from "./x3-stacks.ts";
import { createX4 } from "./x4.ts";
import { createX5 } from "./x5.ts";
import { createX6 } from "./x6.ts";
import { x9 } from "./x9.ts";

/** How an experiment went. */
export interface ExperimentOutcome {
  /** What a person reads, in lines of at most 80 columns; it may hold terminal colours. */
  report: string;
  /** What its thresholds have against the measured values; empty: nothing. */
  objections: string[];
  /** The figures, for `--json`. */
  result: object;
}

/** An experiment on processes of its own. */
export interface Experiment {
  /** As in `--experiment x2`. */
  readonly id: string;
  /** The key that runs it. */
  readonly key: string;
  readonly title: string;
  /**
   * Starts what it needs, measures, and stops all of it, however it ends. Rejects with the signal's
   * reason once that is aborted, and when one of its processes dies.
   */
  run(say: (line: string) => void, signal: AbortSignal): Promise<ExperimentOutcome>;
}

/** What the experiments are told that is not in their scenarios. */
export interface ExperimentOptions {
  /** Where X3's services are; by default it starts its own. */
  flooded?: X3Source | undefined;
  /** How long X6's regions are apart. */
  apartMs?: number | undefined;
  /** Whether X4 hedges in a sidecar, in the edge's place. */
  mesh?: boolean;
}

/** The experiments beside X1, in the order in which they are offered. */
export function sideExperiments({
  flooded,
  apartMs,
  mesh = false,
}: ExperimentOptions = {}): readonly Experiment[] {
  return [x2, createX3(flooded), createX4(mesh), createX5(), createX6({ apartMs }), x9];
}
