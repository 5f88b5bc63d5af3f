// When a member makes a snapshot of its state, and what it lets go of then (Raft §7). After so many
// entries or bytes the state as of now is encoded, made durable, and named by the log; only then
// are the entries before it dropped, first from the disk. In memory some are kept for followers
// that lag a little: a few thousand entries are cheaper to send than the whole state.
//
// The state is encoded in one go, on the turn in which an entry was applied: no entry can change it
// meanwhile. A state that takes long to encode holds everything else up for as long.
import type { Entry } from "../core/entry.ts";
import { entryBytes } from "../core/entry.ts";
import { WalError } from "../wal/errors.ts";
import type { MemberDisk } from "./disk.ts";
import type { NodeSettings } from "./options.ts";
import type { ReplicatedState } from "./replicated-state.ts";

/** What snapshots are made of, and where they go. */
export interface SnapshotsOptions {
  readonly settings: NodeSettings;
  readonly disk: MemberDisk;
  readonly state: ReplicatedState;
  readonly onFailed: (error: Error) => void;
}

const REFUSED_MS = 1_000;

/** The snapshots of a member. */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  #entries = 0;
  #bytes = 0;
  #isWanted = false;
  #making: Promise<number> | undefined;
  #made = 0;
  #refused = 0;
  #bytesLast = 0;
  // On a disk without space the state is not encoded again with every tick.
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  /** How many were made. */
  get made(): number {
    return this.#made;
  }

  /** How many the disk had no room for. */
  get refused(): number {
    return this.#refused;
  }

  /** The size of the last one, in bytes. */
  get bytesLast(): number {
    return this.#bytesLast;
  }

  /** A newer one than the last is needed, for a member that has joined since. */
  want(): void {
    this.#isWanted = true;
  }

  /** Those entries are applied; makes a snapshot if it is time. */
  applied(entries: readonly Entry[]): void {
    this.#entries += entries.length;
    for (const entry of entries) this.#bytes += entryBytes(entry);
    const { snapshotEntries, snapshotBytes } = this.#options.settings;
    if (this.#entries >= snapshotEntries || this.#bytes >= snapshotBytes) this.#isWanted = true;
    this.makeIfWanted();
  }

  /** Makes one if it is time, and none is being made. */
  makeIfWanted(): void {
    if (!this.#isWanted || this.#making !== undefined) return;
    if (this.#options.settings.clock.now() < this.#notBeforeMs) return;
    this.make().catch(this.#options.onFailed);
  }

  /**
   * Makes one now; joins the one that is being made. Resolves to its index once it is durable.
   *
   * @throws WalError `WAL_FAILED`, `WAL_CLOSED`
   */
  make(): Promise<number> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async #make(): Promise<number> {
    const { settings, disk, state } = this.#options;
    const { wal, storage } = disk;
    this.#isWanted = false;
    this.#entries = 0;
    this.#bytes = 0;
    const { index, term, confState } = state;
    if (index <= storage.snapshot().index) return storage.snapshot().index;
    const data = state.encode();
    try {
      await wal.saveSnapshot({ index, term, confState, data });
    } catch (error) {
      // Without space the log goes on as it is, and whoever wanted one asks again.
      const code = error instanceof WalError ? error.code : undefined;
      if (code !== "WAL_FULL" && code !== "WAL_BACKLOG") throw error;
      this.#refused++;
      this.#notBeforeMs = settings.clock.now() + REFUSED_MS;
      return storage.snapshot().index;
    }
    this.#made++;
    this.#bytesLast = data.length;
    // A newer one may have come from the leader meanwhile.
    if (index > storage.snapshot().index) {
      storage.createSnapshot(index, confState, data);
      const keepFrom = index - settings.catchUpEntries;
      if (keepFrom >= storage.firstIndex()) storage.compact(keepFrom);
    }
    await wal.compact();
    return index;
  }
}
