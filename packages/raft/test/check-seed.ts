// One run of a group under one seed: a stretch of faults, then a calm in which it must recover.
import assert from "node:assert/strict";
import { Cluster, type Subject } from "./cluster.ts";

const STEPS = 4_000;
// After the faults, all must have applied a new proposal within ten election timeouts of six ticks,
// twice as long as drawn at most.
const CALM_TICKS = 10 * 12;

/** Throws an AssertionError, with the seed, where an invariant breaks. */
export function checkSeed(
  subject: Subject,
  seed: number,
  steps: number = STEPS,
): Cluster["verdict"] {
  const cluster = new Cluster(subject, seed);
  try {
    for (let step = 0; step < steps; step++) {
      cluster.step();
      if (step % 250 === 0) cluster.verdict.checkLogs();
    }
    const ticks = cluster.settle(CALM_TICKS);
    assert.ok(ticks < CALM_TICKS, `no recovery within ${CALM_TICKS} ticks without faults`);
    cluster.verdict.checkLogs();
    cluster.verdict.checkLeft();
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  return cluster.verdict;
}
