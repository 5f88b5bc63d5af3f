// The durable log as the core reads it, synchronously: entries, hard state and the last snapshot
// are kept in memory as well as on disk. What the core finds here is durable, because it is put
// here only when the disk has said so.
//
// One thing is more than memory: a snapshot is made when one is needed that is not there. A leader
// asks for one on behalf of a member; if the last one was made before that member joined, it would
// be thrown away by its receiver, and a newer one is asked for.
import { type ConfState, isMember } from "../confchange/conf-state.ts";
import type { Snapshot } from "../core/message.ts";
import { MemoryStorage } from "../log/memory-storage.ts";

/** What the core reads. */
export class NodeStorage extends MemoryStorage {
  readonly #wantSnapshot: () => void;

  /** @param wantSnapshot called when a newer snapshot is needed; soon is soon enough */
  constructor(wantSnapshot: () => void) {
    super();
    this.#wantSnapshot = wantSnapshot;
  }

  override snapshot(): Snapshot;
  override snapshot(member: number | undefined): Snapshot | undefined;
  override snapshot(member?: number): Snapshot | undefined {
    const latest = super.snapshot();
    if (member === undefined || isMember(latest.confState, member)) return latest;
    this.#wantSnapshot();
    return undefined;
  }

  /** The membership as of the last snapshot. */
  get confState(): ConfState {
    return super.snapshot().confState;
  }
}
