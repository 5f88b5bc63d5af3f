// Experiment X4 as data, beside X1's in scenario.ts; k6 reads the same file.
import x4 from "@compendium/load-tests/scenarios/x4.json" with { type: "json" };

/** What X4 sends, slows down, hedges and expects. */
export interface X4Scenario {
  id: string;
  title: string;
  /** Previews only. */
  load: { ratePerSecond: number; seed: number };
  phasesMs: { warmUp: number; measured: number };
  /** How long a preview takes while stragglers are on: evenly from min to max, or far longer. */
  preview: Stragglers;
  /** How the edge asks for previews, in every experiment. */
  client: { timeoutMs: number; hedge: { percentile: number; minimumCalls: number } };
  /** How the preview service's sidecar asks, where it hedges in the edge's place. */
  mesh: { hedgeAfterMs: number };
  thresholds: {
    bareLinkShareMax: number;
    off: { p99MsMin: number };
    on: { p99RatioMax: number; extraShareMax: number; abandonedShareMin: number };
  };
}

/** A service of which a share of calls, at random, is far slower than the others. */
export interface Stragglers {
  quickMsMin: number;
  quickMsMax: number;
  stragglerShare: number;
  stragglerMs: number;
  seed: number;
}

export const x4Scenario: X4Scenario = x4;
