// What the core asks of the durable log. It only ever reads: writing is the work that `ready`
// hands out, and until it is done the core keeps what is being written in memory (unstable.ts).
import type { ConfState } from "../confchange/conf-state.ts";
import type { Entry } from "../core/entry.ts";
import type { HardState, Snapshot } from "../core/message.ts";

/** The durable log, read synchronously: what the core may ask for is kept at hand. */
export interface LogStorage {
  /** The hard state and the membership as of the last snapshot or applied change. */
  initialState(): { readonly hardState: HardState; readonly confState: ConfState };
  /** The index of the first entry that is still there; one after the snapshot's, if none is. */
  firstIndex(): number;
  /** The index of the last entry; that of the snapshot, if no entry follows it. */
  lastIndex(): number;
  /**
   * The term of the entry at `index`, which may be the one before the first (a snapshot's).
   * Undefined if it is compacted away or not there yet.
   */
  term(index: number): number | undefined;
  /**
   * The entries in `[low, high)`, or a prefix: as many as fit in `bytesMax`, but at least one.
   * Undefined if the first of them is compacted away. The array is the caller's own.
   */
  entries(low: number, high: number, bytesMax: number): Entry[] | undefined;
  /**
   * The newest snapshot; undefined while it is being made, and the core asks again later. Asked for
   * a `member` whom the present snapshot does not know, the storage should have a newer one made:
   * one that is older than the member's joining would be of no use to it, and is not sent.
   */
  snapshot(member?: number): Snapshot | undefined;
}
