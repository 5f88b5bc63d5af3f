// Everything that goes between nodes, and between a node and its own storage (Raft §5, figure 2;
// etcd's names for the fields). One shape for all types: a message costs one allocation, and the
// functions that read it see one hidden class.
//
// Two sorts never cross the network. What a node tells itself ("campaign", "beat", …) has term 0.
// What goes to and from the storage threads (asynchronous storage writes) is addressed to
// APPEND_THREAD and APPLY_THREAD.
import type { ConfState } from "../confchange/conf-state.ts";
import type { Entry } from "./entry.ts";

/** No node: the id that nobody has. */
export const NONE = 0;
/** Where entries, hard state and snapshots are made durable, in order. */
export const APPEND_THREAD: number = -1;
/** Where committed entries are applied, in order. */
export const APPLY_THREAD: number = -2;

/** The types of messages. */
export type MessageType =
  | "vote" // RequestVote, §5.2
  | "vote-response"
  | "pre-vote" // would you vote for me? thesis §9.6
  | "pre-vote-response"
  | "append" // AppendEntries, §5.3
  | "append-response"
  | "heartbeat" // AppendEntries without entries, cheap enough to go often
  | "heartbeat-response"
  | "snapshot" // InstallSnapshot, §7
  | "propose" // a proposal on its way to the leader
  | "read-index" // thesis §6.4
  | "read-index-response"
  | "transfer-leader" // thesis §3.10
  | "timeout-now"
  | "campaign" // from here on, a node to itself
  | "beat"
  | "check-quorum"
  | "forget-leader"
  | "unreachable"
  | "snapshot-status"
  | "storage-append" // from here on, a node to its storage, and back
  | "storage-append-response"
  | "storage-apply"
  | "storage-apply-response";

/** A message. Which fields mean something depends on its type; the others are 0, empty or false. */
export interface Message {
  /** What it asks or answers. */
  type: MessageType;
  /** The receiver. */
  to: number;
  /** The sender; the node reported on, in "unreachable" and "snapshot-status". */
  from: number;
  /** The sender's term, or the one it campaigns for; 0 in messages that belong to no term. */
  term: number;
  /** The term of the entry at `index`. */
  logTerm: number;
  /** The entry before `entries`; the last entry of a candidate; the entry acknowledged. */
  index: number;
  /** How far the sender has committed. */
  commit: number;
  /** In votes: the term of the entry at `commit`. */
  commitTerm: number;
  /** The vote to persist, in "storage-append". */
  vote: number;
  /** Whether an answer is a no. */
  reject: boolean;
  /** With a no to "append": where the logs may agree at the latest. */
  rejectHint: number;
  /** In votes: a leader asked for this election, so its lease does not speak against it. */
  transfer: boolean;
  /** In heartbeats and their answers: the newest read that waits for a quorum; 0 for none. */
  readRound: number;
  /** In reads: what the reader recognises its answer by. */
  context: Uint8Array | undefined;
  /** The entries to append, propose or apply. */
  entries: readonly Entry[];
  /** The state that replaces a log that is gone. */
  snapshot: Snapshot | undefined;
  /** What to deliver once a storage message is carried out. */
  responses: readonly Message[];
}

const NO_ENTRIES: readonly Entry[] = Object.freeze([]);
const NO_MESSAGES: readonly Message[] = Object.freeze([]);

/** A message with every field that is not given left empty. */
export function message(type: MessageType, to: number, from: number, term: number): Message {
  return {
    type,
    to,
    from,
    term,
    logTerm: 0,
    index: 0,
    commit: 0,
    commitTerm: 0,
    vote: NONE,
    reject: false,
    rejectHint: 0,
    transfer: false,
    readRound: 0,
    context: undefined,
    entries: NO_ENTRIES,
    snapshot: undefined,
    responses: NO_MESSAGES,
  };
}

/** What must be durable before anything that follows from it is said (Raft figure 2). */
export interface HardState {
  /** The latest term seen. */
  readonly term: number;
  /** Whom this node voted for in that term; {@link NONE} for nobody. */
  readonly vote: number;
  /**
   * How far the log is committed. Durable no later than the entries beside it: whoever has a second
   * change of the membership in its log must know that the first is committed (membership.ts).
   */
  readonly commit: number;
}

/** The state of a node that has never run. */
export const EMPTY_HARD_STATE: HardState = Object.freeze({ term: 0, vote: NONE, commit: 0 });

/** What a node does in its term. */
export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

/** What is of interest to watch and need not be stored. */
export interface SoftState {
  /** The leader, as far as this node knows; {@link NONE} if it knows none. */
  readonly lead: number;
  /** What this node does. */
  readonly role: Role;
}

/** The state of the application at a position of the log, which replaces the log up to there. */
export interface Snapshot {
  /** The last entry that the state includes. */
  readonly index: number;
  /** The term of that entry. */
  readonly term: number;
  /** The membership as of that entry. */
  readonly confState: ConfState;
  /** The state itself, or whatever the application finds it by. */
  readonly data: Uint8Array;
}

/** A linearizable read that may be answered once the application has applied up to `index`. */
export interface ReadState {
  /** The commit index at the time of the read. */
  readonly index: number;
  /** What the reader gave, to recognise its read by. */
  readonly context: Uint8Array;
}

/**
 * Why a call did nothing. Each is an expected outcome, and a caller's way out of it: retry later,
 * ask another node, or give up.
 */
export type Refusal =
  | "no-leader" // nobody to hand it to; try again after an election
  | "not-forwarded" // another node leads, and `forwardProposals` is off
  | "transferring" // leadership is being handed over
  | "not-a-member" // this leader is no longer in the configuration
  | "uncommitted-bytes" // the bound on uncommitted data is reached
  | "too-many-reads" // the bound on waiting reads is reached
  | "unknown-peer" // an answer by a node that is in no configuration
  | "local-message"; // a message that a node may only tell itself came from outside

const LOCAL: ReadonlySet<MessageType> = new Set<MessageType>([
  "campaign",
  "beat",
  "check-quorum",
  "unreachable",
  "snapshot-status",
  "storage-append",
  "storage-append-response",
  "storage-apply",
  "storage-apply-response",
]);

const RESPONSES: ReadonlySet<MessageType> = new Set<MessageType>([
  "append-response",
  "vote-response",
  "heartbeat-response",
  "read-index-response",
  "pre-vote-response",
]);

/** Whether a node only ever tells itself such a thing. */
export function isLocal(type: MessageType): boolean {
  return LOCAL.has(type);
}

/** Whether it answers something that only a member would have been asked. */
export function isResponse(type: MessageType): boolean {
  return RESPONSES.has(type);
}

/** Whether that is one of the two storage threads. */
export function isStorageThread(id: number): boolean {
  return id === APPEND_THREAD || id === APPLY_THREAD;
}
