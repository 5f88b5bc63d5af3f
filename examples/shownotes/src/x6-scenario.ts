// Experiment X6 as data: the regions' replicas, the writers and the theory read the same file.
import x6 from "@compendium/load-tests/scenarios/x6.json" with { type: "json" };
import type { SyncTimes } from "./presence-replica.ts";

/** What X6 sends, cuts off and expects. */
export interface X6Scenario {
  id: string;
  title: string;
  /** Their names; the first writes what is there before they part. */
  regions: readonly string[];
  load: X6Load;
  /**
   * How long no region reaches another. At the end of that nobody changes tags any more, for
   * `lastWord`, but one region for each episode: who was last is then no matter of milliseconds.
   */
  phasesMs: { apart: number; lastWord: number };
  /** How long a cursor lives that is not renewed. */
  cursorMs: number;
  /** How replicas talk to each other, in every experiment. */
  sync: SyncTimes;
  thresholds: {
    /** An edit has to be answered within this, also while its region is cut off. */
    withinMs: number;
    /** From healing until all regions have the same. */
    meetMsMax: number;
    /** Of the lost additions that theory expects of a column, that share has to be seen. */
    off: { lostShareMin: number };
  };
}

/** What the writers do. */
export interface X6Load {
  /** All regions together, evenly. */
  ratePerSecond: number;
  episodes: number;
  /** Tags that each episode has before the regions part. */
  sharedTags: number;
  /** Of all edits, the share of each kind. */
  shares: Readonly<Record<"tag" | "untag" | "star" | "unstar" | "write", number>>;
  seed: number;
}

export const x6Scenario: X6Scenario = x6;
