// The write-ahead log of one Raft member: what the core says must be durable, is, before anything
// that follows from it is said (Raft figure 2). After etcd's WAL, with its layout of segments and
// its rule for torn writes; frame.ts says where this one is stricter.
//
//   append ─┐
//   append ─┼─▶ queue ─▶ one write ─▶ one sync ─▶ all of them resolve      group commit
//   append ─┘            │  whatever is asked for meanwhile is the next batch
//                        ▼
//   0…1.wal   0…2.wal   0…3.wal            segments of a fixed size, zeros before they are written
//
// One batch is written and synced at a time: so a crash leaves at most one torn batch, and every
// record before it is known to be durable. The price is that the disk is idle while the next batch
// is laid out; a microsecond an entry, beside the hundreds that a sync takes.
//
// A write or a sync that fails is not tried again. The pages it was for may be marked as clean, so
// a second sync would succeed without having written them (Rebello et al., USENIX ATC 2020). The
// log refuses everything from then on; opening it again reads what is there and writes it back
// (recovery.ts).
//
// Left out: a lock on the folder, which Files does not offer: the log belongs to one owner, who
// sees to that. Reading: the caller keeps the entries that it may need.
import { Histogram, type HistogramSnapshot, latencySecondsBounds } from "@compendium/metrics";
import type { Entry } from "../core/entry.ts";
import type { HardState, Snapshot } from "../core/message.ts";
import { headBytes } from "./codec.ts";
import { isFull, WalError } from "./errors.ts";
import { FrameWriter, nextBatch, recordBytes } from "./frame.ts";
import { resolveOptions, type WalOptions, type WalSettings } from "./options.ts";
import { applyUnit, encodeUnits, type LogState, type Unit, UnitQueue } from "./queue.ts";
import { type Recovered, type Recovery, recover } from "./recovery.ts";
import { type Blank, beginSegment, makeBlank, type Segment, segmentName } from "./segment.ts";
import { snapshotIndex, writeSnapshot } from "./snapshot-file.ts";

/** What a log has done since it was opened. */
export interface WalStats {
  /** Batches that were written and synced. */
  readonly batches: number;
  /** Entries in them. */
  readonly entries: number;
  /** Bytes of them, with their headers and padding. */
  readonly bytes: number;
  /** Milliseconds that their writes and syncs have taken, in sum. */
  readonly syncMs: number;
  /** Milliseconds that the slowest of them has taken. */
  readonly syncMsMax: number;
  /** How many of them took how long, in seconds. */
  readonly syncSeconds: HistogramSnapshot;
  /** How many of them held up the calling thread, because the disk is quick (`writeThrough`). */
  readonly inlineBatches: number;
  /** Milliseconds that the slowest of those has taken. */
  readonly inlineMsMax: number;
  /** Bytes that wait. */
  readonly pendingBytes: number;
  /** Requests refused because of `pendingBytesMax`. */
  readonly refusedBacklog: number;
  /** Segments on the disk. */
  readonly segments: number;
  /** Whether the disk has failed, and the log refuses everything. */
  readonly hasFailed: boolean;
}

// From a tenth of a millisecond: the sync of a good disk.
const SYNC_SECONDS = [0.0001, 0.00025, 0.0005, ...latencySecondsBounds];

/** The durable log of a member. One owner opens it, in a folder of its own. */
export class WriteAheadLog implements AsyncDisposable {
  readonly #settings: WalSettings;
  readonly #writer: FrameWriter;
  readonly #queue: UnitQueue;
  // Invariant: what #state says is durable; everything in the queue is not.
  readonly #state: LogState;
  #segment: Segment;
  #olderSegments: number[];
  // The file of the next segment, made ahead of time; its space takes long to write.
  #spare: Promise<Blank | Error> | undefined;
  #pump: Promise<void> | undefined;
  // Settles when everything that was asked for has.
  #newest: Promise<void> = Promise.resolve();
  #snapshots: Promise<unknown> = Promise.resolve();
  #failure: WalError | undefined;
  #closing: Promise<void> | undefined;
  readonly #counts = noCounts();
  readonly #syncSeconds = new Histogram(SYNC_SECONDS);

  private constructor(settings: WalSettings, recovery: Recovery, writer: FrameWriter) {
    const { hardState, mark, shape } = recovery.replay;
    this.#settings = settings;
    this.#writer = writer;
    this.#state = { hardState, mark, shape };
    this.#queue = new UnitQueue(this.#state);
    this.#segment = recovery.segment;
    this.#olderSegments = recovery.olderSegments;
  }

  /**
   * Opens the log in a folder, which is created if it is missing, and tells what was durable. A
   * torn write at its end, which nobody was told was durable, is cut off. Reads every segment: time
   * and memory are of the order of the log since its last compaction.
   *
   * @throws WalError `WAL_CORRUPT` or `WAL_VERSION`, with nothing changed; `WAL_FULL`; `WAL_FAILED`
   */
  static async open(options: WalOptions): Promise<Recovered & { log: WriteAheadLog }> {
    const settings = resolveOptions(options);
    const { files, folder, segmentBytes } = settings;
    const writer = new FrameWriter();
    try {
      const recovery = await recover(files, folder, segmentBytes, writer);
      return { ...recovery.recovered, log: new WriteAheadLog(settings, recovery, writer) };
    } catch (error) {
      throw error instanceof WalError ? error : fault("opening the log", error);
    }
  }

  /**
   * Appends entries, which follow the last one or overwrite a suffix, and the hard state beside
   * them. Resolves once all of it is durable. A hard state in which only the commit index is new is
   * not written for itself, but with what is next: losing it loses nothing. Entries and hard state
   * must not change until then.
   *
   * @throws RangeError for entries with a gap, of a falling term, below the snapshot, or above 16
   * MiB; for a term that falls, or a second vote in it
   * @throws WalError `WAL_FULL` and `WAL_BACKLOG`: nothing that was asked for since is written, and
   * it may be asked again; `WAL_FAILED`, `WAL_CLOSED`: for ever
   */
  async append(entries: readonly Entry[], hardState?: HardState): Promise<void> {
    this.#checkUsable();
    const { pendingBytesMax } = this.#settings;
    if (this.#queue.bytes >= pendingBytesMax) {
      this.#counts.backlog++;
      const text = `${this.#queue.bytes} bytes wait for the disk, at most ${pendingBytesMax}`;
      throw new WalError("WAL_BACKLOG", text);
    }
    await this.#append(entries, hardState);
  }

  async #append(entries: readonly Entry[], hardState: HardState | undefined): Promise<void> {
    this.#queue.checkHardState(hardState);
    this.#queue.checkEntries(entries);
    const isUrgent = this.#queue.note(hardState);
    // Without news it still says: everything before it is durable. The core's promises need that.
    await (entries.length > 0 || isUrgent ? this.#enqueue(entries) : this.#newest);
  }

  /**
   * Writes a commit index that `append` has put off, if there is one. Resolves once all that was
   * asked for is durable.
   *
   * @throws WalError as `append`
   */
  async flush(): Promise<void> {
    this.#checkUsable();
    await (this.#queue.owesHardState ? this.#enqueue([]) : this.#newest);
  }

  /**
   * Makes a snapshot durable: its file first, then the log's word for it. One whose last entry is
   * not in the log (it came from a leader) replaces the whole log. Appends that go on from it wait
   * for this to resolve; others need not. One that is not newer than the last one is left alone.
   *
   * @throws RangeError for a hard state as in `append`
   * @throws WalError as `append`
   */
  async saveSnapshot(snapshot: Snapshot, hardState?: HardState): Promise<void> {
    this.#checkUsable();
    checkSnapshot(snapshot);
    // One after the other, or an older one could be named after a newer one.
    const saved = this.#snapshots.then(() => this.#saveSnapshot(snapshot, hardState));
    this.#snapshots = saved.catch(() => {});
    await saved;
  }

  async #saveSnapshot(snapshot: Snapshot, hardState: HardState | undefined): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (snapshot.index <= this.#queue.mark.index) return await this.#append([], hardState);
    this.#queue.checkHardState(hardState);
    const { files, folder } = this.#settings;
    try {
      await writeSnapshot(files, folder, snapshot);
    } catch (error) {
      if (isFull(error)) throw fault("writing a snapshot", error);
      throw this.#fail("writing a snapshot", error);
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#queue.checkHardState(hardState);
    this.#queue.note(hardState);
    await this.#enqueue([], snapshot);
  }

  /**
   * Lets go of the segments and snapshots that the newest durable snapshot makes unnecessary.
   * Returns how many segments that were.
   *
   * @throws WalError `WAL_FAILED`, `WAL_CLOSED`
   */
  async compact(): Promise<number> {
    this.#checkUsable();
    const { files, folder } = this.#settings;
    const { mark, shape } = this.#state;
    const needed = Math.min(shape.neededSegment ?? this.#segment.sequence, this.#segment.sequence);
    const released = this.#olderSegments.filter((sequence) => sequence < needed);
    this.#olderSegments = this.#olderSegments.filter((sequence) => sequence >= needed);
    try {
      for (const sequence of released) await files.remove(`${folder}/${segmentName(sequence)}`);
      for (const name of await files.list(folder)) {
        if ((snapshotIndex(name) ?? mark.index) >= mark.index) continue;
        await files.remove(`${folder}/${name}`);
      }
      await files.syncFolder(folder);
    } catch (error) {
      throw this.#fail("removing a segment", error);
    }
    return released.length;
  }

  /** What the log has done, as of now. */
  stats(): WalStats {
    const { backlog, ...counts } = this.#counts;
    return {
      ...counts,
      syncSeconds: this.#syncSeconds.snapshot(),
      pendingBytes: this.#queue.bytes,
      refusedBacklog: backlog,
      segments: this.#olderSegments.length + 1,
      hasFailed: this.#failure !== undefined,
    };
  }

  /** Writes what waits, and closes. What is asked for later is refused. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#snapshots;
    if (this.#failure === undefined && this.#queue.owesHardState) {
      // Whoever asked for it has its answer; a failure is not news to anybody.
      await this.#enqueue([]).catch(() => {});
    }
    await this.#pump;
    const spare = await this.#spare;
    try {
      if (spare !== undefined && !(spare instanceof Error)) await spare.file.close();
      await this.#segment.file.close();
    } catch (error) {
      throw this.#fail("closing the log", error);
    }
  }

  #checkUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined) throw new WalError("WAL_CLOSED", "the log is closed");
  }

  #enqueue(entries: readonly Entry[], snapshot?: Snapshot): Promise<void> {
    this.#newest = this.#queue.add(entries, snapshot);
    this.#pump ??= this.#run();
    return this.#newest;
  }

  async #run(): Promise<void> {
    // What is asked for in this turn goes into one batch.
    await undefined;
    while (this.#queue.first !== undefined) {
      const { bytes, offset } = this.#segment;
      const room = bytes - offset;
      const first = this.#queue.first.bytes;
      // What is above the limit of a batch is a batch for itself.
      const batchBytes = Math.min(room, Math.max(first, this.#settings.batchBytesMax));
      const units = first <= room ? this.#queue.take(batchBytes) : [];
      try {
        await (units.length > 0 ? this.#write(units) : this.#rotate(first));
      } catch (error) {
        this.#giveUp(units, error);
      }
    }
    this.#pump = undefined;
  }

  #giveUp(units: readonly Unit[], error: unknown): void {
    // Only a rotation says so, before it has changed anything.
    const isHarmless = error instanceof WalError && error.code === "WAL_FULL";
    const reason = isHarmless ? error : this.#fail("writing the log", error);
    for (const { reject } of units) reject(reason);
    this.#queue.rejectAll(this.#state, reason);
    // Who asked for those knows that they are not written; all else that was asked for is durable.
    this.#newest = Promise.resolve();
  }

  async #write(units: readonly Unit[]): Promise<void> {
    const segment = this.#segment;
    const { file, sequence, offset, batch, crc } = segment;
    const { clock } = this.#settings;
    const startedAt = clock.now();
    const size = units.reduce((sum, unit) => sum + unit.bytes, 0);
    this.#writer.begin({ sequence, offset, crc, batch }, size);
    encodeUnits(units, this.#writer);
    const place = await file.writeThrough(this.#writer.written, offset);
    this.#segment = {
      ...segment,
      offset: offset + size,
      batch: nextBatch(batch),
      crc: this.#writer.crc,
    };
    const counts = this.#counts;
    for (const unit of units) {
      applyUnit(unit, this.#state, sequence);
      counts.entries += unit.entries.length;
      unit.resolve();
    }
    const tookMs = clock.now() - startedAt;
    counts.batches++;
    counts.bytes += size;
    counts.syncMs += tookMs;
    this.#syncSeconds.observe(tookMs / 1_000);
    counts.syncMsMax = Math.max(counts.syncMsMax, tookMs);
    if (place === "inline") {
      counts.inlineBatches++;
      counts.inlineMsMax = Math.max(counts.inlineMsMax, tookMs);
    }
    const { files, folder } = this.#settings;
    if (this.#spare !== undefined || this.#segment.offset * 2 < segment.bytes) return;
    this.#spare = makeBlank(files, `${folder}/spare.tmp`, this.#settings.segmentBytes).catch(
      (error: Error) => error,
    );
  }

  // Everything in the present segment is durable, so that its end is final.
  async #rotate(neededBytes: number): Promise<void> {
    const { files, folder } = this.#settings;
    const last = this.#segment;
    const { hardState, mark, shape } = this.#state;
    const head = {
      sequence: last.sequence + 1,
      bytes: this.#settings.segmentBytes,
      previousCrc: last.crc,
      hardState,
      mark,
      lastIndex: shape.last,
      lastTerm: shape.lastTerm,
    };
    const least = recordBytes(headBytes(head)) + 16 + neededBytes;
    head.bytes = Math.max(head.bytes, least);
    const blank = await this.#blank(head.bytes);
    try {
      this.#segment = await beginSegment(files, folder, blank, head, this.#writer);
    } catch (error) {
      await blank.file.close();
      throw error;
    }
    this.#olderSegments.push(last.sequence);
    await last.file.close();
  }

  async #blank(bytes: number): Promise<Blank> {
    const { files, folder } = this.#settings;
    const spare = await this.#spare;
    this.#spare = undefined;
    if (spare !== undefined && !(spare instanceof Error)) {
      if (spare.bytes >= bytes) return spare;
      await spare.file.close();
    }
    if (spare instanceof Error && !isFull(spare)) throw spare;
    try {
      return await makeBlank(files, `${folder}/segment.tmp`, bytes);
    } catch (error) {
      throw isFull(error) ? fault("making a segment", error) : error;
    }
  }

  #fail(doing: string, error: unknown): WalError {
    this.#failure ??= new WalError("WAL_FAILED", `${doing}: ${String(error)}`, { cause: error });
    this.#queue.rejectAll(this.#state, this.#failure);
    return this.#failure;
  }
}

function noCounts() {
  const inline = { inlineBatches: 0, inlineMsMax: 0 };
  return { batches: 0, entries: 0, bytes: 0, syncMs: 0, syncMsMax: 0, backlog: 0, ...inline };
}

function fault(doing: string, cause: unknown): WalError {
  const code = isFull(cause) ? "WAL_FULL" : "WAL_FAILED";
  return new WalError(code, `${doing}: ${String(cause)}`, { cause });
}

function checkSnapshot({ index, term }: Snapshot): void {
  if (Number.isSafeInteger(index) && Number.isSafeInteger(term) && index > 0 && term > 0) return;
  throw new RangeError(`a snapshot at ${index} of term ${term}; both are integers from 1`);
}
