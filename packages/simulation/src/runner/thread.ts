// One thread: it imports the scenarios for itself, and runs what it is told to.

import { parentPort, workerData } from "node:worker_threads";
import type { Scenario } from "../scenario.ts";
import { simulate } from "../simulate.ts";
import type { Batch, BatchResult, Work } from "./threads.ts";

const { module, scenario, calm, twice } = workerData as Work;
const { scenarios } = (await import(module)) as { scenarios: Record<string, Scenario> };

parentPort?.on("message", async (batch: Batch) => {
  const summary = await simulate(scenarios[scenario] as Scenario, { ...batch, calm, twice });
  const result: BatchResult = {
    seeds: summary.seeds,
    events: summary.events,
    failedSeed: summary.failure?.seed,
  };
  parentPort?.postMessage(result);
});
