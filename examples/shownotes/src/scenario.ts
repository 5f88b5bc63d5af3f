// Experiment X1 as data. k6 and the load generator here read the same file, and so do the services:
// what is measured is what was written down.

import type { CircuitBreakerOptions } from "@compendium/circuit-breaker";
import x1 from "@compendium/load-tests/scenarios/x1.json" with { type: "json" };

/** What X1 sends, breaks, protects and expects. */
export interface Scenario {
  id: string;
  title: string;
  load: { ratePerSecond: number; previewShare: number; seed: number };
  phasesMs: { warmUp: number; fault: number; recovery: number };
  preview: { delayMs: number; faultDelayMs: number };
  edge: { inFlightMax: number };
  breaker: CircuitBreakerOptions & {
    window: { kind: "count"; calls: number };
    minimumCalls: number;
    slowAfterMs: number;
    slowRateThreshold: number;
    openForMs: number;
    halfOpenCalls: number;
    inFlightMax: number;
  };
  /** A request counts as answered in time within this. */
  withinMs: number;
  thresholds: { off: { othersWithinMax: number }; on: { othersWithinMin: number } };
}

export const scenario = x1 as Scenario;
