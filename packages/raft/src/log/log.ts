// The log of one node (Raft §5.3): what is durable, what is on its way there, and how far it is
// committed and applied.
//
//   firstIndex … applied … applying … committed … lastIndex
//
// Two rules of the paper live here and nowhere else. Log Matching: an append is taken only if the
// entry before it agrees in term, and only what conflicts is overwritten; a stale append, which
// arrives late, must not cut off entries that came after it. And §5.4.2: a leader counts replicas
// only for entries of its own term; older ones are committed by what follows them.
import { type Entry, entriesBytes, limitBytes } from "../core/entry.ts";
import type { Trace } from "../core/events.ts";
import type { Snapshot } from "../core/message.ts";
import { RaftError } from "../errors.ts";
import type { LogStorage } from "./storage.ts";
import { Unstable } from "./unstable.ts";

/** Durable and unstable entries as one log. */
export class RaftLog {
  readonly #storage: LogStorage;
  readonly unstable: Unstable;
  // Invariant: applied <= applying <= committed <= lastIndex(). None of them ever falls.
  committed: number;
  applying: number;
  applied: number;
  readonly #applyingBytesMax: number;
  // What was handed out to be applied and is not reported as applied yet.
  #applyingBytes = 0;
  #applyingPaused = false;
  readonly #trace: Trace | undefined;

  constructor(storage: LogStorage, applyingBytesMax: number, trace: Trace | undefined) {
    this.#storage = storage;
    this.#applyingBytesMax = applyingBytesMax;
    this.#trace = trace;
    this.unstable = new Unstable(storage.lastIndex() + 1, trace);
    const compacted = storage.firstIndex() - 1;
    this.committed = compacted;
    this.applying = compacted;
    this.applied = compacted;
  }

  firstIndex(): number {
    const { snapshot } = this.unstable;
    return snapshot === undefined ? this.#storage.firstIndex() : snapshot.index + 1;
  }

  lastIndex(): number {
    return this.unstable.lastIndex() ?? this.#storage.lastIndex();
  }

  lastTerm(): number {
    const index = this.lastIndex();
    const term = this.term(index);
    if (term === undefined) throw corrupt(`the last entry, ${index}, has no term`);
    return term;
  }

  /** The term at an index; undefined where the log is compacted away, or not there yet. */
  term(index: number): number | undefined {
    const term = this.unstable.term(index);
    if (term !== undefined) return term;
    if (index + 1 < this.firstIndex() || index > this.lastIndex()) return undefined;
    return this.#storage.term(index);
  }

  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** §5.4.1: the later last term wins; with equal terms, the longer log. */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    const own = this.lastTerm();
    return lastTerm > own || (lastTerm === own && lastIndex >= this.lastIndex());
  }

  /**
   * Takes a leader's entries, which follow (index, term), and its commit index. Returns the last
   * index that is now known to agree, or undefined if the entry before them does not.
   */
  maybeAppend(
    index: number,
    term: number,
    entries: readonly Entry[],
    commit: number,
  ): number | undefined {
    if (!this.matches(index, term)) return undefined;
    const conflict = this.#findConflict(entries);
    if (conflict !== undefined) {
      if (conflict <= this.committed) {
        throw corrupt(`entry ${conflict} conflicts with a committed one (${this.committed})`);
      }
      this.append(conflict === index + 1 ? entries : entries.slice(conflict - index - 1));
    }
    const last = index + entries.length;
    // What follows `last` in this log may be another leader's; it is not verified, hence not
    // committed.
    this.commitTo(Math.min(commit, last));
    return last;
  }

  /** Appends entries, over what is there; returns the new last index. */
  append(entries: readonly Entry[]): number {
    const first = entries[0];
    if (first === undefined) return this.lastIndex();
    if (first.index <= this.committed) {
      throw corrupt(`entry ${first.index} would replace a committed one (${this.committed})`);
    }
    this.unstable.truncateAndAppend(entries);
    return this.lastIndex();
  }

  // The first of these entries that is missing here or of another term.
  #findConflict(entries: readonly Entry[]): number | undefined {
    for (const { index, term } of entries) {
      if (this.matches(index, term)) continue;
      if (index <= this.lastIndex()) {
        const present = this.term(index) ?? 0;
        this.#trace?.({ kind: "conflict", index, term, present });
      }
      return index;
    }
    return undefined;
  }

  /**
   * The last index at or before `index` whose term is at most `term`: the best guess where this log
   * agrees with one of which only (index, term) is known. Skips a whole term at a time instead of
   * an entry (Raft §5.3, the optimisation at its end). Its term is 0 if it is not known.
   */
  findConflictByTerm(index: number, term: number): { index: number; term: number } {
    for (let guess = index; guess > 0; guess--) {
      const own = this.term(guess);
      if (own === undefined) return { index: guess, term: 0 };
      if (own <= term) return { index: guess, term: own };
    }
    return { index: 0, term: 0 };
  }

  commitTo(index: number): void {
    if (index <= this.committed) return;
    const last = this.lastIndex();
    if (index > last) {
      throw corrupt(`commit ${index} is past the last entry, ${last}: was the log lost?`);
    }
    this.committed = index;
  }

  /** §5.4.2: commits up to `index` if that entry is of this `term`; true if it got further. */
  maybeCommit(index: number, term: number): boolean {
    if (index <= this.committed || this.term(index) !== term) return false;
    this.commitTo(index);
    return true;
  }

  appliedTo(index: number, bytes: number): void {
    if (index > this.committed || index < this.applied) {
      throw corrupt(`applied ${index} is outside [${this.applied}, ${this.committed}]`);
    }
    this.applied = index;
    this.applying = Math.max(this.applying, index);
    this.#applyingBytes = Math.max(0, this.#applyingBytes - bytes);
    this.#applyingPaused = this.#applyingBytes >= this.#applyingBytesMax;
  }

  /** Those committed entries are being applied from now on. */
  acceptApplying(entries: readonly Entry[], allowUnstable: boolean): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    this.applying = last.index;
    this.#applyingBytes += entriesBytes(entries);
    // Fewer than there were means that the limit cut them short: wait until some are applied.
    this.#applyingPaused =
      this.#applyingBytes >= this.#applyingBytesMax || last.index < this.#appliable(allowUnstable);
  }

  hasNextCommitted(allowUnstable: boolean): boolean {
    // A snapshot comes first: applied in another order, it would undo what came after it.
    if (this.#applyingPaused || this.unstable.snapshot !== undefined) return false;
    return this.applying < this.#appliable(allowUnstable);
  }

  /** The committed entries that may be applied now. */
  nextCommitted(allowUnstable: boolean): Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return [];
    const bytesMax = this.#applyingBytesMax - this.#applyingBytes;
    const entries = this.slice(this.applying + 1, this.#appliable(allowUnstable) + 1, bytesMax);
    if (entries === undefined) throw corrupt(`entry ${this.applying + 1} is gone, unapplied`);
    return entries;
  }

  #appliable(allowUnstable: boolean): number {
    if (allowUnstable) return this.committed;
    return Math.min(this.committed, this.unstable.offset - 1);
  }

  snapshot(member: number): Snapshot | undefined {
    return this.unstable.snapshot ?? this.#storage.snapshot(member);
  }

  restore(snapshot: Snapshot): void {
    this.#trace?.({ kind: "restore-started", log: this, snapshot });
    this.committed = snapshot.index;
    this.unstable.restore(snapshot);
  }

  /** The entries from `low` on within that size; undefined if the first is compacted away. */
  entries(low: number, bytesMax: number): Entry[] | undefined {
    const last = this.lastIndex();
    return low > last ? [] : this.slice(low, last + 1, bytesMax);
  }

  /** The entries in `[low, high)` within that size; undefined if the first is compacted away. */
  slice(low: number, high: number, bytesMax: number): Entry[] | undefined {
    if (low < this.firstIndex()) return undefined;
    if (low >= high) return [];
    const { offset } = this.unstable;
    if (low >= offset) return limitBytes(this.unstable.slice(low, high), bytesMax);
    const end = Math.min(high, offset);
    const stored = this.#storage.entries(low, end, bytesMax);
    if (stored === undefined || stored.length === 0) return undefined;
    if (stored.length < end - low || high <= offset) return limitBytes(stored, bytesMax);
    for (const entry of this.unstable.slice(offset, high)) stored.push(entry);
    return limitBytes(stored, bytesMax);
  }
}

function corrupt(why: string): RaftError {
  return new RaftError("RAFT_CORRUPT", why);
}
