// Experiment X9 as data, beside X1's in scenario.ts.
import x9 from "@compendium/load-tests/scenarios/x9.json" with { type: "json" };

/** What X9 sends, which version fails, and what is expected. */
export interface X9Scenario {
  id: string;
  title: string;
  /** Previews only. */
  load: { ratePerSecond: number; seed: number };
  /** `found`: in which the canary may still be met; `measured`: what is judged. */
  phasesMs: { found: number; measured: number };
  /** Of so many calls, so many go to the version that is to stay, and to the new one. */
  weights: { stable: number; canary: number };
  canary: Failures;
  detection: { consecutive5xx: number };
  thresholds: { off: { errorShareMin: number }; on: { errorShareMax: number } };
}

/** A service of which a share of calls, at random, is answered with 500. */
export interface Failures {
  failureShare: number;
  seed: number;
}

export const x9Scenario: X9Scenario = x9;
