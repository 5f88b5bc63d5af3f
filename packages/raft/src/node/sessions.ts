// Exactly once (Raft §8; thesis §6.3). A client that got no answer asks again, perhaps another
// member, perhaps after a change of the leader; carried out twice, "add one" adds two. So the
// answers are part of the replicated state: a session's command that comes by a second time gets
// the answer of the first, on every member, also after a restart or from a snapshot.
//
// What is kept has two bounds. A session tells which answers it has received, and those are
// forgotten. And of sessions only so many are kept: the one that was used least recently goes. That
// is decided by the log alone, never by a clock, or members would disagree about it. A command of a
// session that is gone is refused: nobody knows any more whether it was carried out, and guessing
// would do it twice.
//
// The bound on sessions stands in the entry that opens one, not in a member's options: two members
// with different options must still do the same.

/** What became of a command in a session. */
export type SessionAnswer =
  | { readonly kind: "done"; readonly result: Uint8Array; readonly repeated: boolean }
  | { readonly kind: "expired" }
  | { readonly kind: "sequence"; readonly why: string; readonly mayHaveRun: boolean };

/** How many commands of one session may wait for their answers to be acknowledged. */
export const UNACKNOWLEDGED_MAX = 1_024;

interface Session {
  // Invariant: every key of results is above acknowledged.
  acknowledged: number;
  readonly results: Map<number, Uint8Array>;
}

/** A session as it lies in a snapshot. */
export interface StoredSession {
  readonly id: number;
  readonly acknowledged: number;
  readonly results: ReadonlyMap<number, Uint8Array>;
}

/** The sessions of a group. Every member holds the same ones. */
export class Sessions {
  // Invariant: in the order of their last use, the longest ago first.
  readonly #sessions = new Map<number, Session>();

  /** How many there are. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Opens one, and lets those go that are too many. */
  open(id: number, sessionsMax: number): void {
    this.#sessions.set(id, { acknowledged: 0, results: new Map() });
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= Math.max(1, sessionsMax)) break;
      this.#sessions.delete(oldest);
    }
  }

  /** Carries a command out, unless it has been. */
  apply(
    id: number,
    { sequence, acknowledged }: { sequence: number; acknowledged: number },
    run: () => Uint8Array,
  ): SessionAnswer {
    const session = this.#sessions.get(id);
    if (session === undefined) return { kind: "expired" };
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    if (acknowledged > session.acknowledged) {
      session.acknowledged = acknowledged;
      for (const known of session.results.keys()) {
        if (known <= acknowledged) session.results.delete(known);
      }
    }
    if (sequence <= session.acknowledged) {
      const why = `${sequence} was acknowledged: up to ${session.acknowledged} are`;
      return { kind: "sequence", why, mayHaveRun: true };
    }
    const known = session.results.get(sequence);
    if (known !== undefined) return { kind: "done", result: known, repeated: true };
    if (session.results.size >= UNACKNOWLEDGED_MAX) {
      const why = `${UNACKNOWLEDGED_MAX} answers wait to be acknowledged`;
      return { kind: "sequence", why, mayHaveRun: false };
    }
    const result = run();
    // A copy: the caller gets the other one, and may do with it what it likes.
    session.results.set(sequence, result.slice());
    return { kind: "done", result, repeated: false };
  }

  /** All of them, in the order of their last use. */
  *stored(): Generator<StoredSession> {
    for (const [id, { acknowledged, results }] of this.#sessions) {
      yield { id, acknowledged, results };
    }
  }

  /** Forgets all there are, and takes those, in that order. */
  restore(sessions: Iterable<StoredSession>): void {
    this.#sessions.clear();
    for (const { id, acknowledged, results } of sessions) {
      this.#sessions.set(id, { acknowledged, results: new Map(results) });
    }
  }
}
