// Experiment X5 as data: the registry's members, the clients and the theory read the same file.
import x5 from "@compendium/load-tests/scenarios/x5.json" with { type: "json" };

/** What X5 sends, breaks and expects. */
export interface X5Scenario {
  id: string;
  title: string;
  /** All clients together, evenly over workspaces and documents. */
  load: X5Load;
  /** The leader is killed, then paused: from each until the next phase. */
  phasesMs: { warmUp: number; killed: number; paused: number; recovery: number };
  /** When a member that was killed is started again. */
  restartAfterMs: number;
  /** How long a lease lasts: longer than the experiment. */
  leaseMs: number;
  /** How often the history is checked while it grows. */
  checkEveryMs: number;
  /** With protection; without it, there is one. */
  members: number;
  /** Of the registry's members, in every experiment. */
  raft: { electionTimeoutMs: number; heartbeatMs: number };
  /** A gap of the group is at most that share of the same gap without it. */
  thresholds: { gapShareMax: number };
}

/** What the clients do. */
export interface X5Load {
  clients: number;
  ratePerSecond: number;
  workspaces: number;
  /** Paid for in each workspace: fewer than there are people. */
  seats: number;
  documents: number;
  seed: number;
}

export const x5Scenario: X5Scenario = x5;
