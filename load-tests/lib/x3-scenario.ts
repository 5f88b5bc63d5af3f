// Experiment X3 as data, read from the file that the edge and the load generator of
// examples/shownotes read; see x1-scenario.ts.

/** The part of a scenario that is sent, limited and expected. */
export interface Scenario {
  others: { workspaces: number; ratePerSecond: number };
  flood: { ratePerSecond: number };
  phasesMs: { warmUp: number; flood: number; recovery: number };
  workspaceLimit: { limit: number; windowMs: number; burst: number };
  withinMs: number;
  thresholds: {
    off: { othersWithinMax: number };
    on: { othersWithinMin: number; admittedShareMin: number };
  };
}

export const scenario = JSON.parse(open(import.meta.resolve("../scenarios/x3.json"))) as Scenario;
