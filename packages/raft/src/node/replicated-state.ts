// All that the members agree on by applying the same entries in the same order: the application's
// state, the sessions, who the members are and where. One object, because a snapshot must hold
// all of it or none: a state restored without its sessions would carry commands out twice.
//
// Nothing in here may depend on the member, its options, its clock or chance.

import { Cursor } from "@compendium/runtime/varint";
import { type ConfChange, decodeConfChange } from "../confchange/change.ts";
import type { ConfState } from "../confchange/conf-state.ts";
import type { Entry } from "../core/entry.ts";
import { RaftError } from "../errors.ts";
import {
  decodeChangeContext,
  decodeEnvelope,
  decodeText,
  encodeNumbers,
  encodeText,
  join,
} from "./envelope.ts";
import { Sessions, type StoredSession } from "./sessions.ts";

/** What the application brings: a state that commands change, the same way on every member. */
export interface StateMachine {
  /**
   * Carries a committed command out, and returns its result. Deterministic: nothing but the state,
   * the command and `index` may matter. One that throws stops the member, and every other. The
   * command is a view of the log: to be read, not altered, and copied if it is kept.
   */
  apply(command: Uint8Array, index: number): Uint8Array;
  /** The whole state as of now, which must not change with the state afterwards. */
  snapshot(): Uint8Array;
  /** Replaces the state by one that `snapshot` returned, here or on another member. */
  restore(snapshot: Uint8Array): void;
}

/** A member, as the group knows it. */
export interface MemberRecord {
  /** Where it is reached. */
  readonly address: string;
  /** The disk that it has; 0 before the group has learned of it. */
  readonly diskId: number;
}

/** What became of an entry. */
export type Applied =
  | { readonly kind: "result"; readonly by: Proposal; readonly result: Uint8Array }
  | { readonly kind: "session-opened"; readonly by: Proposal }
  | { readonly kind: "session-expired"; readonly by: Proposal; readonly session: number }
  | {
      readonly kind: "session-sequence";
      readonly by: Proposal;
      readonly why: string;
      readonly mayHaveRun: boolean;
    }
  | { readonly kind: "changed"; readonly by: Proposal | undefined; readonly state: ConfState }
  | { readonly kind: "bound"; readonly member: number; readonly diskId: number }
  | { readonly kind: "nothing" };

/** Whose proposal it was, and which of them. */
export interface Proposal {
  readonly proposer: number;
  readonly number: number;
}

const NOTHING: Applied = Object.freeze({ kind: "nothing" });
const FORMAT = 1;

/** The replicated state of a member. */
export class ReplicatedState {
  readonly #machine: StateMachine;
  readonly sessions: Sessions = new Sessions();
  readonly members: Map<number, MemberRecord> = new Map();
  /** Members that were removed. Their ids name nobody else: their votes may still be about. */
  readonly removed: Set<number> = new Set();
  /** The last entry whose effect is in here. */
  index = 0;
  /** Its term. */
  term = 0;
  confState: ConfState;
  /** How many commands of sessions had been carried out before. */
  repeats = 0;

  constructor(machine: StateMachine, confState: ConfState) {
    this.#machine = machine;
    this.confState = confState;
  }

  /**
   * Takes the next committed entry.
   *
   * @param adopt makes the core adopt a change of the membership
   * @throws RaftError `RAFT_MALFORMED` or `RAFT_CORRUPT`; whatever the application throws
   */
  apply(entry: Entry, adopt: (change: ConfChange) => ConfState): Applied {
    if (entry.index !== this.index + 1) {
      const text = `entry ${entry.index} comes after ${this.index}`;
      throw new RaftError("RAFT_CORRUPT", text);
    }
    this.index = entry.index;
    this.term = entry.term;
    if (entry.type === "conf-change") return this.#change(decodeConfChange(entry.data), adopt);
    return entry.data.length === 0 ? NOTHING : this.#run(entry);
  }

  #run({ data, index }: Entry): Applied {
    const envelope = decodeEnvelope(data);
    switch (envelope.kind) {
      case "command":
        return {
          kind: "result",
          by: envelope,
          result: this.#machine.apply(envelope.command, index),
        };
      case "session": {
        const run = () => this.#machine.apply(envelope.command, index);
        const answer = this.sessions.apply(envelope.session, envelope, run);
        if (answer.kind === "expired") {
          return { kind: "session-expired", by: envelope, session: envelope.session };
        }
        if (answer.kind === "sequence") {
          const { why, mayHaveRun } = answer;
          return { kind: "session-sequence", by: envelope, why, mayHaveRun };
        }
        if (answer.repeated) this.repeats++;
        return { kind: "result", by: envelope, result: answer.result };
      }
      case "open":
        this.sessions.open(index, envelope.sessionsMax);
        return { kind: "session-opened", by: envelope };
      case "bind":
        return this.#bind(envelope.member, envelope.diskId);
    }
  }

  // The first word about a member's disk is the last one.
  #bind(member: number, diskId: number): Applied {
    const record = this.members.get(member);
    if (record === undefined || record.diskId !== 0) return NOTHING;
    this.members.set(member, { address: record.address, diskId });
    return { kind: "bound", member, diskId };
  }

  #change(change: ConfChange, adopt: (change: ConfChange) => ConfState): Applied {
    const context = decodeChangeContext(change.context);
    const state = adopt(change);
    this.confState = state;
    for (const [id, address] of context?.addresses ?? []) {
      this.members.set(id, { address, diskId: this.members.get(id)?.diskId ?? 0 });
    }
    const stay = new Set([...state.voters, ...state.votersOutgoing, ...state.learners]);
    for (const id of this.members.keys()) {
      if (stay.has(id)) continue;
      this.members.delete(id);
      this.removed.add(id);
    }
    return { kind: "changed", by: context, state };
  }

  /** All of it, as bytes. */
  encode(): Uint8Array {
    const parts = [encodeNumbers([FORMAT, this.members.size])];
    for (const [id, { address, diskId }] of this.members) {
      parts.push(encodeNumbers([id, diskId]), encodeText(address));
    }
    parts.push(encodeNumbers([this.removed.size, ...this.removed, this.sessions.size]));
    for (const { id, acknowledged, results } of this.sessions.stored()) {
      parts.push(encodeNumbers([id, acknowledged, results.size]));
      for (const [sequence, result] of results) {
        parts.push(encodeNumbers([sequence, result.length]), result);
      }
    }
    parts.push(this.#machine.snapshot());
    return join(parts);
  }

  /**
   * Becomes what {@link encode} wrote, as of that entry.
   *
   * @throws RaftError `RAFT_MALFORMED`, with nothing changed
   */
  restore(
    data: Uint8Array,
    { index, term, confState }: { index: number; term: number; confState: ConfState },
  ): void {
    const cursor = new Cursor(data, 0, data.length);
    const format = cursor.number();
    const members = readMembers(cursor);
    const removed = readMany(cursor, () => cursor.number());
    const sessions = readMany(cursor, () => readSession(cursor));
    if (cursor.failed || format !== FORMAT) {
      throw new RaftError("RAFT_MALFORMED", `a snapshot of ${data.length} bytes, at ${index}`);
    }
    this.#machine.restore(cursor.rest());
    this.members.clear();
    for (const [id, record] of members) this.members.set(id, record);
    this.removed.clear();
    for (const id of removed) this.removed.add(id);
    this.sessions.restore(sessions);
    this.index = index;
    this.term = term;
    this.confState = confState;
  }
}

function readMembers(cursor: Cursor): [number, MemberRecord][] {
  return readMany(cursor, () => {
    const id = cursor.number();
    const diskId = cursor.number();
    return [id, { address: decodeText(cursor), diskId }];
  });
}

function readSession(cursor: Cursor): StoredSession {
  const id = cursor.number();
  const acknowledged = cursor.number();
  const results = readMany(cursor, (): [number, Uint8Array] => {
    const sequence = cursor.number();
    return [sequence, cursor.take(cursor.number()).slice()];
  });
  return { id, acknowledged, results: new Map(results) };
}

// As many as the number in front of them says; what it says is not believed beyond what is there.
function readMany<T>(cursor: Cursor, read: () => T): T[] {
  const count = cursor.number();
  const all: T[] = [];
  while (all.length < count && !cursor.failed) all.push(read());
  return all;
}
