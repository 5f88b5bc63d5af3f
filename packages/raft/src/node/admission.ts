// Who may talk in the name of a member. A member's disk is part of what it is: one that comes back
// without it has forgotten its votes and what it has acknowledged, and counted in a majority it can
// undo what was committed. So members say the number of their disk when they meet; the leader has
// the group remember it (an entry, envelope.ts, "bind"); and whoever comes with another one is
// turned away, as is who was removed.
//
// A member notices the loss of another's disk once it has applied the entry that binds it: usually
// a few round trips after the birth of the group, or after who has joined was first heard of. A
// member that was away since before knows nothing of it. So an operator who loses a disk while
// others are down lets nobody start in that member's name, but removes it and adds another.
import type { PeerIdentity } from "../net/peer-network.ts";
import { RaftNodeError } from "./errors.ts";
import type { ReplicatedState } from "./replicated-state.ts";

/** The doorkeeper of a node. */
export class Admission {
  readonly #self: PeerIdentity;
  readonly #state: ReplicatedState;
  readonly #onTurnedAway: (error: RaftNodeError) => void;
  // What members have said, and when the group was last told, until it has agreed on it.
  readonly #disks = new Map<number, { readonly diskId: number; toldMs: number }>();
  /** Why this node was turned away, the last time. */
  lastRefusal: string | undefined;

  constructor(
    self: PeerIdentity,
    state: ReplicatedState,
    onTurnedAway: (error: RaftNodeError) => void,
  ) {
    this.#self = self;
    this.#state = state;
    this.#onTurnedAway = onTurnedAway;
    this.#disks.set(self.id, { diskId: self.diskId, toldMs: Number.NEGATIVE_INFINITY });
  }

  /** Why that peer may not talk; undefined if it may. */
  admit({ id, diskId }: PeerIdentity): string | undefined {
    const { members, removed } = this.#state;
    if (removed.has(id)) return `removed: member ${id} was removed; join under a new id`;
    const known = members.get(id)?.diskId ?? 0;
    if (known !== 0 && known !== diskId) {
      return `wrong-disk: member ${id} has come back without its disk; join under a new id`;
    }
    if (known === 0) this.#note(id, diskId);
    return undefined;
  }

  // Also of who is no member yet: it may be one before it says so again. Strangers are forgotten.
  #note(id: number, diskId: number): void {
    if (this.#disks.get(id)?.diskId === diskId) return;
    this.#disks.set(id, { diskId, toldMs: Number.NEGATIVE_INFINITY });
    if (this.#disks.size <= DISKS_MAX) return;
    for (const other of this.#disks.keys()) {
      if (!this.#state.members.has(other)) return void this.#disks.delete(other);
    }
  }

  /** Another member has turned this one away. For two reasons there is no coming back. */
  refused(reason: string): void {
    this.lastRefusal = reason;
    const code = REASONS.find(([prefix]) => reason.startsWith(prefix))?.[1];
    if (code !== undefined) this.#onTurnedAway(new RaftNodeError(code, reason, "unknown"));
  }

  /**
   * Those in whose name another disk was let in than the group knows by now; each once. Whoever is
   * linked still must be judged anew.
   */
  *exposed(): Generator<number> {
    for (const [id, { diskId }] of this.#disks) {
      const known = this.#state.members.get(id)?.diskId ?? 0;
      if (known === 0) continue;
      this.#disks.delete(id);
      if (known !== diskId && id !== this.#self.id) yield id;
    }
  }

  /** Turns this member away if the group knows it by another disk. */
  checkSelf(): void {
    const { id } = this.#self;
    const diskId = this.#state.members.get(id)?.diskId ?? 0;
    if (diskId === 0 || diskId === this.#self.diskId) return;
    this.refused(`wrong-disk: the group knows another disk of member ${id}`);
  }

  /** Members whose disk the group does not know yet; each again after so many milliseconds. */
  *unbound(nowMs: number, againAfterMs: number): Generator<PeerIdentity> {
    for (const [id, disk] of this.#disks) {
      if (this.#state.members.get(id)?.diskId !== 0) continue;
      if (nowMs < disk.toldMs + againAfterMs) continue;
      disk.toldMs = nowMs;
      yield { id, diskId: disk.diskId };
    }
  }
}

const DISKS_MAX = 1_024;

const REASONS = [
  ["removed:", "REMOVED"],
  ["wrong-disk:", "WRONG_DISK"],
] as const;
