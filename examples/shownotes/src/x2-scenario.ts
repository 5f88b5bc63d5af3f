// Experiment X2 as data: the services, both load generators and the theory read the same file.
import x2 from "@compendium/load-tests/scenarios/x2.json" with { type: "json" };

/** How the edge retries a charge; each adds to the one before. */
export const RETRIES = ["naive", "jitter", "budget"] as const;
export type Retries = (typeof RETRIES)[number];

/** What X2 compares, in this order. */
export const VARIANTS = ["naive", "jitter", "budget", "budget+shed"] as const;
export type Variant = (typeof VARIANTS)[number];

/** What X2 sends, breaks, protects and expects. */
export interface X2Scenario {
  id: string;
  title: string;
  load: { ratePerSecond: number; seed: number };
  phasesMs: { warmUp: number; blip: number; recovery: number };
  billing: {
    workers: number;
    /** A charge takes this on average, evenly spread by `serviceSpread` of it to either side. */
    serviceMs: number;
    serviceSpread: number;
    /** By what a charge takes longer during the blip. */
    slowdown: number;
    queueMax: number;
    seed: number;
  };
  edge: {
    attemptsMax: number;
    attemptTimeoutMs: number;
    backoff: { baseMs: number; maxMs: number };
    budget: { ratio: number; tokensMax: number };
    inFlightMax: number;
  };
  /** Of the stock opossum breaker, in the words of ours. */
  breaker: {
    failureRateThreshold: number;
    minimumCalls: number;
    windowMs: number;
    openForMs: number;
  };
  /** A checkout that is answered later has failed. */
  withinMs: number;
  variants: Record<Variant, { retries: Retries; shedding: boolean }>;
  thresholds: {
    collapsed: { lastSecondMax: number };
    recovered: { lastSecondMin: number };
    /** Goodput of all that is due from `fromMs` after the blip on. */
    atOnce: { fromMs: number; goodputMin: number };
  };
}

export const scenario = x2 as X2Scenario;
