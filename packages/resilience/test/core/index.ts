// The specification of the core, by the name of the file that it is about.
import { callSpecs } from "./call.specs.ts";
import { deadlineWheelSpecs } from "./deadline-wheel.specs.ts";
import { breakerSpecs, fallbackSpecs, timeoutSpecs } from "./endings.specs.ts";
import { bulkheadSpecs, waitQueueSpecs } from "./limits.specs.ts";
import { pipelineSpecs } from "./pipeline.specs.ts";
import { backoffSpecs, retrySpecs } from "./retry.specs.ts";
import { retryBudgetSpecs } from "./retry-budget.specs.ts";
import type { Specs } from "./subject.ts";

export const specs: Readonly<Record<string, Specs>> = {
  pipeline: pipelineSpecs,
  call: callSpecs,
  "deadline-wheel": deadlineWheelSpecs,
  bulkhead: bulkheadSpecs,
  "wait-queue": waitQueueSpecs,
  retry: retrySpecs,
  backoff: backoffSpecs,
  "retry-budget": retryBudgetSpecs,
  timeout: timeoutSpecs,
  fallback: fallbackSpecs,
  "circuit-breaker": breakerSpecs,
};
