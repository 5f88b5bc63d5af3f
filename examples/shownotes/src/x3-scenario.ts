// Experiment X3 as data: the edge, both load generators and the theory read the same file.
import x3 from "@compendium/load-tests/scenarios/x3.json" with { type: "json" };

/** What X3 sends, limits and expects. What is flooded is X2's billing service. */
export interface X3Scenario {
  id: string;
  title: string;
  /** Checkouts of all others together, evenly over so many workspaces. */
  others: { workspaces: number; ratePerSecond: number; seed: number };
  /** Checkouts of the one that floods. */
  flood: { ratePerSecond: number; seed: number };
  phasesMs: { warmUp: number; flood: number; recovery: number };
  /** The edge's token bucket for a workspace, in every experiment. */
  workspaceLimit: { limit: number; windowMs: number; burst: number };
  /** A checkout that is answered later has failed. */
  withinMs: number;
  thresholds: {
    off: { othersWithinMax: number };
    /** Of what the limit lets the flood have, so much must have been let through. */
    on: { othersWithinMin: number; admittedShareMin: number };
  };
}

export const x3Scenario: X3Scenario = x3;
