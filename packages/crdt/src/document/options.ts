// How a document is set up, and what it answers.
import type { HybridLogicalClock } from "../clock/hybrid-logical-clock.ts";
import type { Conflict } from "./slot.ts";

/** How a document is set up. */
export interface DocumentOptions {
  /** The source of timestamps; needed to write to registers in which the last writer wins. */
  readonly clock?: HybridLogicalClock;
  /** How many changes can be undone. More remember more. Default: 100. */
  readonly undoMax?: number;
}

/** What a merge did. */
export interface DocumentMerge {
  /** How many changes were new, and are in the document now. */
  readonly applied: number;
  /** How many updates wait for changes on which they depend. */
  readonly pending: number;
  /** What concurrent changes have done that people should see. */
  readonly conflicts: readonly Conflict[];
}

/** What a document shows of itself. */
export interface DocumentStats {
  /** How many updates wait for others on which they depend. */
  readonly pending: number;
  /** How many changes its graph holds. */
  readonly changes: number;
  /** How many bytes its texts, lists and the graph take, about. */
  readonly bytes: number;
}
