// What waits to be written, and the log as it will be once all of it is. Requests are checked when
// they are made, against that future log: what a replay would refuse must never be written.
import type { Entry } from "../core/entry.ts";
import type { HardState } from "../core/message.ts";
import {
  ENTRY,
  entryBytes,
  HARD_STATE,
  hardStateBytes,
  MARK,
  type Mark,
  markBytes,
  putEntry,
  putHardState,
  putMark,
} from "./codec.ts";
import { ENTRY_BYTES_MAX, type FrameWriter, recordBytes } from "./frame.ts";
import { hardStateRefusal } from "./replay.ts";
import type { LogShape } from "./shape.ts";

/** What is made durable together: a hard state, a mark, then entries. */
export interface Unit {
  readonly hardState: HardState | undefined;
  readonly mark: Mark | undefined;
  readonly entries: readonly Entry[];
  /** The space that it takes. */
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** The state of the log as of some unit. */
export interface LogState {
  hardState: HardState;
  mark: Mark;
  shape: LogShape;
}

/** Requests in the order in which they were made. */
export class UnitQueue {
  #units: Unit[] = [];
  #bytes = 0;
  // As of the last unit. `hardState` may be ahead of what any unit holds by its commit index.
  #state: LogState;
  #writtenHardState: HardState;

  constructor(state: LogState) {
    this.#state = { ...state, shape: state.shape.clone() };
    this.#writtenHardState = state.hardState;
  }

  get length(): number {
    return this.#units.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The newest snapshot that is on its way to be named by the log. */
  get mark(): Mark {
    return this.#state.mark;
  }

  /** Whether the last hard state is in no unit. */
  get owesHardState(): boolean {
    return this.#state.hardState !== this.#writtenHardState;
  }

  /** Refuses a hard state that cannot follow. */
  checkHardState(hardState: HardState | undefined): void {
    if (hardState === undefined) return;
    integers("hard state", hardState.term, hardState.vote, hardState.commit);
    const refusal = hardStateRefusal(this.#state.hardState, hardState);
    if (refusal !== undefined) throw new RangeError(`hard state: ${refusal}`);
  }

  /** Refuses entries that cannot follow; see WriteAheadLog.append. */
  checkEntries(entries: readonly Entry[]): void {
    const { mark, shape } = this.#state;
    let previous: Entry | undefined;
    for (const entry of entries) {
      const { index, term, data } = entry;
      if (previous === undefined) {
        integers("entry", index, term);
        const refusal = shape.refusal(index, term);
        if (refusal !== undefined) throw new RangeError(refusal);
        if (index <= mark.index || term === 0) {
          throw new RangeError(`entry ${index} of term ${term} behind a snapshot at ${mark.index}`);
        }
      } else if (index !== previous.index + 1 || term < previous.term) {
        const before = `${previous.index} of term ${previous.term}`;
        throw new RangeError(`entry ${index} of term ${term} follows ${before}`);
      }
      if (data.length > ENTRY_BYTES_MAX) {
        throw new RangeError(`entry ${index} has ${data.length} bytes, above ${ENTRY_BYTES_MAX}`);
      }
      previous = entry;
    }
    if (previous !== undefined) integers("entry", previous.index, previous.term);
  }

  /**
   * Takes a hard state for the next unit. Whether that unit must come soon: not if all it tells is
   * how far the log is committed.
   */
  note(hardState: HardState | undefined): boolean {
    if (hardState === undefined) return false;
    const known = this.#state.hardState;
    const isUrgent = hardState.term !== known.term || hardState.vote !== known.vote;
    if (isUrgent || hardState.commit !== known.commit) this.#state.hardState = hardState;
    return isUrgent;
  }

  /** A unit of what was checked, with the hard state if it is news. */
  add(entries: readonly Entry[], snapshot?: { index: number; term: number }): Promise<void> {
    const state = this.#state;
    let bytes = 0;
    const hardState = this.owesHardState ? state.hardState : undefined;
    if (hardState !== undefined) bytes += recordBytes(hardStateBytes(hardState));
    this.#writtenHardState = state.hardState;
    let mark: Mark | undefined;
    if (snapshot !== undefined) {
      const { index, term } = snapshot;
      // A snapshot that the log does not lead to came from a leader, and replaces the log.
      mark = { index, term, replaces: state.shape.term(index) !== term };
      bytes += recordBytes(markBytes(mark));
      state.mark = mark;
      state.shape.mark(index, term, mark.replaces);
    }
    for (const entry of entries) {
      bytes += recordBytes(entryBytes(entry));
      state.shape.append(entry.index, entry.term, 0);
    }
    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      this.#units.push({ hardState, mark, entries, bytes, resolve, reject });
    });
  }

  /** Takes the first units off that fit into `bytesMax` together. */
  take(bytesMax: number): Unit[] {
    let bytes = 0;
    let count = 0;
    for (; count < this.#units.length; count++) {
      const next = (this.#units[count] as Unit).bytes;
      if (bytes + next > bytesMax) break;
      bytes += next;
    }
    this.#bytes -= bytes;
    return this.#units.splice(0, count);
  }

  get first(): Unit | undefined {
    return this.#units[0];
  }

  /** Nothing of what waits will be written: the log stays as it is. */
  rejectAll(state: LogState, reason: unknown): void {
    const units = this.#units;
    this.#units = [];
    this.#bytes = 0;
    this.#state = { ...state, shape: state.shape.clone() };
    this.#writtenHardState = state.hardState;
    for (const { reject } of units) reject(reason);
  }
}

/** Lays units down as records, as one batch. */
export function encodeUnits(units: readonly Unit[], writer: FrameWriter): void {
  const last = units.at(-1);
  for (const unit of units) {
    const { hardState, mark, entries } = unit;
    const isLast = unit === last;
    if (hardState !== undefined) {
      putHardState(writer.bytes, writer.open(hardStateBytes(hardState)), hardState);
      writer.end(HARD_STATE, isLast && mark === undefined && entries.length === 0);
    }
    if (mark !== undefined) {
      putMark(writer.bytes, writer.open(markBytes(mark)), mark);
      writer.end(MARK, isLast && entries.length === 0);
    }
    const final = isLast ? entries.at(-1) : undefined;
    for (const entry of entries) {
      putEntry(writer.bytes, writer.open(entryBytes(entry)), entry);
      writer.end(ENTRY, entry === final);
    }
  }
}

/** Takes a durable unit up into the state. */
export function applyUnit(
  { hardState, mark, entries }: Unit,
  state: LogState,
  segment: number,
): void {
  if (hardState !== undefined) state.hardState = hardState;
  if (mark !== undefined) {
    state.mark = mark;
    state.shape.mark(mark.index, mark.term, mark.replaces);
  }
  for (const { index, term } of entries) state.shape.append(index, term, segment);
}

function integers(name: string, ...values: number[]): void {
  for (const value of values) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new RangeError(`${name}: ${value} is no integer in [0, 2^53)`);
  }
}
