// From records to a state: later ones supersede earlier ones. The hard state is the last one; an
// entry takes the place of the one with its index and of all that followed it; a mark says that a
// snapshot covers the log up to there.
//
// The commit index is taken for no more than the log bears out. The hard state is written before
// the entries beside it (whoever has a second change of the membership must know that the first is
// committed), so a crash between the two can leave a commit index ahead of the log.
import type { Entry } from "../core/entry.ts";
import { EMPTY_HARD_STATE, type HardState } from "../core/message.ts";
import {
  ENTRY,
  HARD_STATE,
  HEAD,
  MARK,
  type Mark,
  readEntry,
  readHardState,
  readHead,
  readMark,
  type SegmentHead,
} from "./codec.ts";
import { LogShape } from "./shape.ts";

/** No snapshot. */
export const NO_MARK: Mark = Object.freeze({ index: 0, term: 0, replaces: false });

/** What a term and a vote may turn into: a term never falls, and a vote in it is never changed. */
export function hardStateRefusal(before: HardState, after: HardState): string | undefined {
  if (after.term < before.term) return `term ${after.term} after term ${before.term}`;
  if (after.term === before.term && before.vote !== 0 && after.vote !== before.vote) {
    return `a vote for ${after.vote} after one for ${before.vote} in term ${after.term}`;
  }
  return undefined;
}

/** The state of the log, record by record. */
export class Replay {
  hardState: HardState = EMPTY_HARD_STATE;
  mark: Mark = NO_MARK;
  shape: LogShape = new LogShape(0, 0);
  /** The head of the segment that is being read. */
  head: SegmentHead | undefined;
  /** The version of the segment that is being read, if it is not this one. */
  foreignVersion: number | undefined;
  // Invariant: #entries[i].index === #offset + 1 + i.
  #offset = 0;
  #entries: Entry[] = [];
  #isFirstSegment = true;
  #atStart = false;

  /** A segment begins: its first record must be its head. */
  begin(): void {
    this.#atStart = true;
    this.head = undefined;
  }

  /** Takes a record up; false if it makes no sense after those before it. */
  take(type: number, bytes: Uint8Array, from: number, to: number): boolean {
    if (this.#atStart !== (type === HEAD)) return false;
    switch (type) {
      case HEAD:
        return this.#takeHead(readHead(bytes, from, to));
      case ENTRY:
        return this.#takeEntry(readEntry(bytes, from, to));
      case HARD_STATE:
        return this.#takeHardState(readHardState(bytes, from, to));
      case MARK:
        return this.#takeMark(readMark(bytes, from, to));
      default:
        return false;
    }
  }

  #takeHead(head: SegmentHead | number | undefined): boolean {
    if (typeof head === "number") this.foreignVersion = head;
    if (head === undefined || typeof head === "number") return false;
    this.#atStart = false;
    this.head = head;
    if (!this.#isFirstSegment) return true;
    this.#isFirstSegment = false;
    this.hardState = head.hardState;
    this.mark = head.mark;
    this.#offset = head.lastIndex;
    this.shape = new LogShape(head.lastIndex, head.lastTerm);
    return true;
  }

  #takeEntry(entry: Entry | undefined): boolean {
    if (entry === undefined || entry.index <= this.mark.index) return false;
    const { index, term } = entry;
    if (this.shape.refusal(index, term) !== undefined) return false;
    this.shape.append(index, term, this.head?.sequence ?? 0);
    if (index <= this.#offset) {
      this.#entries = [];
      this.#offset = index - 1;
    }
    const kept = index - 1 - this.#offset;
    if (kept < this.#entries.length) this.#entries.length = kept;
    this.#entries.push(entry);
    return true;
  }

  #takeHardState(hardState: HardState | undefined): boolean {
    if (hardState === undefined) return false;
    if (hardStateRefusal(this.hardState, hardState) !== undefined) return false;
    this.hardState = hardState;
    return true;
  }

  #takeMark(mark: Mark | undefined): boolean {
    if (mark === undefined || mark.index <= this.mark.index) return false;
    if (mark.index > this.shape.last && !mark.replaces) return false;
    this.mark = mark;
    this.shape.mark(mark.index, mark.term, mark.replaces);
    if (mark.replaces) {
      this.#entries = [];
      this.#offset = mark.index;
    }
    return true;
  }

  /** The entries behind the snapshot; undefined if some of them are missing. */
  entries(): Entry[] | undefined {
    if (this.#offset > this.mark.index) return undefined;
    return this.#entries.slice(this.mark.index - this.#offset);
  }

  /** The hard state, with a commit index that the log bears out. */
  recoveredHardState(): HardState {
    const { term, vote, commit } = this.hardState;
    const known = Math.max(commit, this.mark.index);
    return { term, vote, commit: Math.min(known, this.shape.last) };
  }
}
