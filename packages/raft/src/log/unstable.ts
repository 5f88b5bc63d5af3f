// The part of the log that is not known to be durable: entries and at most one snapshot, before
// they are handed out to be written, and while they are.
//
//              offset        offsetInProgress
//   storage  … │ being written │ still to be handed out │
//
// `offset` may lie below the end of the storage: then the next write overwrites its tail.
import type { Entry } from "../core/entry.ts";
import type { Trace } from "../core/events.ts";
import type { Snapshot } from "../core/message.ts";
import { RaftError } from "../errors.ts";

/** Entries and a snapshot on their way to the storage. */
export class Unstable {
  /** What replaces the whole log, if anything does. */
  snapshot: Snapshot | undefined = undefined;
  snapshotInProgress = false;
  // Invariant: entries[i] has the index offset + i. The array is never handed out, only copies of
  // parts of it (references; entries themselves are immutable and shared).
  entries: Entry[] = [];
  offset: number;
  // Invariant: offset <= offsetInProgress <= offset + entries.length.
  offsetInProgress: number;
  readonly #trace: Trace | undefined;

  constructor(offset: number, trace: Trace | undefined) {
    this.offset = offset;
    this.offsetInProgress = offset;
    this.#trace = trace;
  }

  /** The last index held here, or undefined if nothing is. */
  lastIndex(): number | undefined {
    if (this.entries.length > 0) return this.offset + this.entries.length - 1;
    return this.snapshot?.index;
  }

  term(index: number): number | undefined {
    if (index >= this.offset) return this.entries[index - this.offset]?.term;
    return this.snapshot?.index === index ? this.snapshot.term : undefined;
  }

  get hasNextEntries(): boolean {
    return this.entries.length > this.offsetInProgress - this.offset;
  }

  /** The entries that nobody writes yet. */
  nextEntries(): Entry[] {
    return this.hasNextEntries ? this.entries.slice(this.offsetInProgress - this.offset) : [];
  }

  nextSnapshot(): Snapshot | undefined {
    return this.snapshotInProgress ? undefined : this.snapshot;
  }

  /** All that is here is being written from now on. */
  acceptInProgress(): void {
    this.offsetInProgress = this.offset + this.entries.length;
    if (this.snapshot !== undefined) this.snapshotInProgress = true;
  }

  /**
   * The entries up to that one are durable. Whoever says so vouches that no write on its way can
   * replace them; the term must match, or the acknowledgement is of entries replaced since.
   */
  stableTo(index: number, term: number): void {
    const present = this.term(index);
    if (present === undefined || index < this.offset) {
      this.#trace?.({ kind: "stable-missing", index, snapshot: present !== undefined });
      return;
    }
    if (present !== term) {
      this.#trace?.({ kind: "stable-mismatch", index, term, present });
      return;
    }
    const count = index + 1 - this.offset;
    this.entries = count === this.entries.length ? [] : this.entries.slice(count);
    this.offset = index + 1;
    this.offsetInProgress = Math.max(this.offsetInProgress, this.offset);
  }

  stableSnapshotTo(index: number): void {
    if (this.snapshot?.index !== index) return;
    this.snapshot = undefined;
    this.snapshotInProgress = false;
  }

  /** The snapshot is the whole log now. */
  restore(snapshot: Snapshot): void {
    this.offset = snapshot.index + 1;
    this.offsetInProgress = this.offset;
    this.entries = [];
    this.snapshot = snapshot;
    this.snapshotInProgress = false;
  }

  /** Appends entries, after dropping what is there from the first of them on. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const first = (entries[0] as Entry).index;
    const end = this.offset + this.entries.length;
    if (first > end) throw new RaftError("RAFT_CORRUPT", `entry ${first} follows ${end - 1}`);
    if (first <= this.offset && first !== end) {
      this.#trace?.({ kind: "unstable-replaced", index: first });
      this.entries = entries.slice();
      this.offset = first;
      this.offsetInProgress = first;
      return;
    }
    if (first < end) {
      this.#trace?.({ kind: "unstable-truncated", index: first });
      this.entries.length = first - this.offset;
      // What was being written from here on will be overwritten by what is handed out next.
      this.offsetInProgress = Math.min(this.offsetInProgress, first);
    }
    for (const entry of entries) this.entries.push(entry);
  }

  /** The entries in `[low, high)`, which must all be here. */
  slice(low: number, high: number): Entry[] {
    return this.entries.slice(low - this.offset, high - this.offset);
  }
}
