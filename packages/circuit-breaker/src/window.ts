// What a breaker remembers of the calls that settled lately: how many there were, how many failed,
// how many were slow. Two memories share this shape: count-window.ts keeps the last N calls,
// time-window.ts the last T milliseconds. Both are O(1) per call and own no timer.

/** The recent outcomes a breaker judges by. Invariant: 0 <= failures, slow <= calls. */
export interface SlidingWindow {
  /** Whether the contents depend on the time: if not, the times given may be 0. */
  readonly needsTime: boolean;
  /** Calls now in the window. */
  readonly calls: number;
  /** How many of {@link calls} failed. */
  readonly failures: number;
  /** How many of {@link calls} were slow. */
  readonly slow: number;
  /**
   * Adds one call and forgets what is too old by `now` (ms). O(1). Returns a ticket for {@link
   * markFailed}.
   */
  record(now: number, failed: boolean, slow: boolean): number;
  /** Forgets what is too old by `now`. O(1), O(buckets) after a pause. */
  expire(now: number): void;
  /**
   * A call that was recorded as slow while it ran has failed in the end. Forgotten calls stay
   * forgotten.
   */
  markFailed(ticket: number): void;
  /** Forgets everything. */
  clear(): void;
  /** The contents as of `now`, as plain JSON. O(window). */
  save(now: number): SavedWindow;
  /** Whether {@link load} would take these contents: same kind, same shape, sound numbers. */
  accepts(saved: unknown): saved is SavedWindow;
  /** Replaces the contents by what {@link save} gave, aged by `elapsedMs`. */
  load(saved: SavedWindow, now: number, elapsedMs: number): void;
}

/** A window as JSON: one digit a call (1 failed, 2 slow, 3 both), or one row a bucket. */
export type SavedWindow =
  | {
      /** A count window. */
      kind: "count";
      /** Oldest first. */
      outcomes: string;
    }
  | {
      /** A time window. */
      kind: "time";
      /** Milliseconds covered by one row. */
      bucketMs: number;
      /** Oldest first: calls, failures, slow. */
      buckets: [calls: number, failures: number, slow: number][];
    };
