// The durable log for who needs none: tests, simulations, and examples. It promises what a disk
// promises, until the process ends. What writes to it is the caller's loop around `ready`.
import type { ConfState } from "../confchange/conf-state.ts";
import { EMPTY_CONF_STATE } from "../confchange/conf-state.ts";
import { type Entry, limitBytes, NO_BYTES } from "../core/entry.ts";
import { EMPTY_HARD_STATE, type HardState, type Snapshot } from "../core/message.ts";
import { RaftError } from "../errors.ts";
import type { LogStorage } from "./storage.ts";

/** Entries, hard state and one snapshot, in memory. */
export class MemoryStorage implements LogStorage {
  #hardState: HardState = EMPTY_HARD_STATE;
  #snapshot: Snapshot = { index: 0, term: 0, confState: EMPTY_CONF_STATE, data: NO_BYTES };
  // Invariant: #entries[i] has the index #offset + 1 + i. The entry at #offset is compacted away;
  // its term is kept, because the next append is checked against it.
  #offset = 0;
  #offsetTerm = 0;
  #entries: Entry[] = [];

  initialState(): { hardState: HardState; confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#snapshot.confState };
  }

  firstIndex(): number {
    return this.#offset + 1;
  }

  lastIndex(): number {
    return this.#offset + this.#entries.length;
  }

  term(index: number): number | undefined {
    if (index === this.#offset) return this.#offsetTerm;
    return this.#entries[index - this.#offset - 1]?.term;
  }

  entries(low: number, high: number, bytesMax: number): Entry[] | undefined {
    if (low <= this.#offset) return undefined;
    const from = low - this.#offset - 1;
    return limitBytes(this.#entries.slice(from, high - this.#offset - 1), bytesMax);
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Keeps the hard state. */
  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /**
   * Appends entries in order; from the first of them on, what was there before is gone. Throws a
   * RaftError "RAFT_CORRUPT" if they would leave a gap.
   */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const keep = first.index - this.#offset - 1;
    if (keep > this.#entries.length) {
      throw new RaftError(
        "RAFT_CORRUPT",
        `entry ${first.index} would leave a gap after ${this.lastIndex()}`,
      );
    }
    if (keep < 0) {
      // An overlap with the snapshot: what it covers is there already.
      this.append(entries.slice(-keep));
      return;
    }
    if (keep < this.#entries.length) this.#entries.length = keep;
    for (const entry of entries) this.#entries.push(entry);
  }

  /** Replaces log and state by a snapshot; an older one than the present one changes nothing. */
  applySnapshot(snapshot: Snapshot): void {
    if (snapshot.index <= this.#snapshot.index) return;
    this.#snapshot = snapshot;
    this.#offset = snapshot.index;
    this.#offsetTerm = snapshot.term;
    this.#entries = [];
  }

  /** Keeps the application's state at `index`, whose entry must still be there. */
  createSnapshot(index: number, confState: ConfState, data: Uint8Array): Snapshot {
    const term = this.term(index);
    if (term === undefined || index < this.#snapshot.index) {
      throw new RangeError(
        `a snapshot at ${index}; it may be in [${this.#snapshot.index}, ${this.lastIndex()}]`,
      );
    }
    this.#snapshot = { index, term, confState, data };
    return this.#snapshot;
  }

  /** Drops the entries up to and including `index`. */
  compact(index: number): void {
    const term = this.term(index);
    if (term === undefined) {
      throw new RangeError(
        `compaction up to ${index}; it may be in [${this.#offset}, ${this.lastIndex()}]`,
      );
    }
    this.#entries = this.#entries.slice(index - this.#offset);
    this.#offset = index;
    this.#offsetTerm = term;
  }
}
