// Experiment X2 as data, read from the file that the services and the load generator of
// examples/shownotes read; see x1-scenario.ts.

/** The ways to retry that X2 compares. */
export type Variant = "naive" | "jitter" | "budget" | "budget+shed";

/** The part of a scenario that is sent, broken and expected here. */
export interface Scenario {
  load: { ratePerSecond: number };
  phasesMs: { warmUp: number; blip: number; recovery: number };
  withinMs: number;
  variants: Record<Variant, { retries: string; shedding: boolean }>;
  thresholds: {
    collapsed: { lastSecondMax: number };
    recovered: { lastSecondMin: number };
    atOnce: { fromMs: number; goodputMin: number };
  };
}

export const scenario = JSON.parse(open(import.meta.resolve("../scenarios/x2.json"))) as Scenario;
