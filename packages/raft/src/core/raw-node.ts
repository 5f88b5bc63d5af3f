// One member of a Raft group, as a deterministic object (after etcd's RawNode). It has no thread,
// timer, socket or disk. Whoever owns those calls in, then asks what there is to do:
//
//   node.tick()   node.step(message)   node.propose(data)
//   if (node.hasReady) {
//     const ready = node.ready();
//     // send ready.messages
//     // write ready.snapshot, ready.hardState and ready.entries; sync if ready.mustSync
//     // send ready.promises, now that they are true
//     // apply ready.snapshot, then ready.committedEntries
//     node.advance();
//   }
//
// With asyncStorageWrites, writing and applying are messages too, and `advance` is not called; see
// storage-messages.ts.
import { type ConfChange, encodeConfChange } from "../confchange/change.ts";
import type { ConfState } from "../confchange/conf-state.ts";
import { restoreMembership } from "../confchange/restore.ts";
import { RaftError } from "../errors.ts";
import type { Configuration } from "../tracker/configuration.ts";
import type { ProgressState } from "../tracker/progress.ts";
import type { Entry } from "./entry.ts";
import { applyConfChange, switchMembership } from "./membership.ts";
import {
  type HardState,
  isLocal,
  isResponse,
  isStorageThread,
  type Message,
  message,
  NONE,
  type ReadState,
  type Refusal,
  type Role,
  type Snapshot,
  type SoftState,
} from "./message.ts";
import { type RaftOptions, resolveOptions } from "./options.ts";
import { Raft } from "./raft.ts";
import { becomeFollower } from "./roles.ts";
import { step, tick } from "./step.ts";
import {
  needsAppendResponse,
  proposal,
  proposed,
  storageAppend,
  storageAppendResponse,
  storageApply,
  storageApplyResponse,
} from "./storage-messages.ts";

/** The work that a node hands out. All of it is to be done, in the order of the fields. */
export interface Ready {
  /** Who leads and what this node does, if that has changed. Need not be stored. */
  readonly softState: SoftState | undefined;
  /** Messages that may leave at once, even while entries are being written. */
  readonly messages: readonly Message[];
  /** What replaces the whole stored log; to be durable before the promises leave. */
  readonly snapshot: Snapshot | undefined;
  /** What to store of term, vote and commit, if it has changed. */
  readonly hardState: HardState | undefined;
  /** What to append to the stored log, from the first one's index on. */
  readonly entries: readonly Entry[];
  /** Whether hardState and entries must be synced, not only written, before the promises leave. */
  readonly mustSync: boolean;
  /** Messages that are true only once all of the above is durable. */
  readonly promises: readonly Message[];
  /** What to apply. Each is committed, and given once. */
  readonly committedEntries: readonly Entry[];
  /** Reads that may be answered once the application has applied up to their index. */
  readonly readStates: readonly ReadState[];
}

/** What a leader knows of a member. */
export interface MemberStatus {
  /** Whose progress it is. */
  readonly id: number;
  /** Up to where the member's log is known to agree. */
  readonly match: number;
  /** The next entry to be sent to it. */
  readonly next: number;
  /** How entries are sent to it. */
  readonly state: ProgressState;
  /** Whether it was heard of since the quorum was last counted. */
  readonly recentActive: boolean;
  /** Whether nothing is sent to it now. */
  readonly paused: boolean;
  /** How many appends are on their way. */
  readonly inflight: number;
  /** Whether it has no vote. */
  readonly isLearner: boolean;
}

/** What a node is and knows. */
export interface Status {
  /** This node. */
  readonly id: number;
  /** Its term. */
  readonly term: number;
  /** Whom it voted for in that term. */
  readonly vote: number;
  /** What it does. */
  readonly role: Role;
  /** Who leads, as far as it knows. */
  readonly lead: number;
  /** To whom it is handing leadership. */
  readonly transferee: number;
  /** The first entry still in its log. */
  readonly firstIndex: number;
  /** The last entry of its log, durable or not. */
  readonly lastIndex: number;
  /** How far it knows the log to be committed. */
  readonly committed: number;
  /** How far it has applied. */
  readonly applied: number;
  /** The bytes of proposals that wait to be applied, at a leader. */
  readonly uncommittedBytes: number;
  /** Who is in the group, as far as this node has applied. */
  readonly configuration: Configuration;
  /** What a leader knows of the members; empty elsewhere. */
  readonly members: readonly MemberStatus[];
}

/** The state inside a node, for tests that look at it; not part of the package. */
export let coreOf: (node: RawNode) => Raft;

/**
 * A member of a Raft group. It has one owner, who makes every call. Options out of range throw a
 * RangeError or TypeError; see {@link RaftOptions}.
 */
export class RawNode {
  readonly #raft: Raft;
  #softState: SoftState;
  #hardState: HardState;
  // What this node tells itself once the present `ready` is carried out.
  #onAdvance: Message[] = [];
  #advanced = true;

  constructor(options: RaftOptions) {
    const settings = resolveOptions(options);
    const raft = new Raft(settings);
    const { hardState, confState } = settings.storage.initialState();
    switchMembership(raft, restoreMembership(raft.tracker, raft.log.lastIndex(), confState));
    raft.load(hardState, settings.applied ?? settings.storage.snapshot()?.index ?? 0);
    becomeFollower(raft, raft.term, NONE);
    const { term, log, tip } = raft;
    const { committed, applied } = log;
    settings.trace?.({ kind: "created", term, committed, applied, tip });
    this.#raft = raft;
    this.#softState = { lead: raft.lead, role: raft.role };
    this.#hardState = raft.hardState;
  }

  /** This node's id. */
  get id(): number {
    return this.#raft.id;
  }

  /** Whether it leads. */
  get isLeader(): boolean {
    return this.#raft.role === "leader";
  }

  /** The last entry of its log, durable or not. */
  get lastIndex(): number {
    return this.#raft.log.lastIndex();
  }

  /** One tick of time has passed. */
  tick(): void {
    tick(this.#raft);
  }

  /** Takes a message that another node, or a storage thread of this one, has sent. */
  step(received: Message): Refusal | undefined {
    const { type, from } = received;
    if (!isStorageThread(from)) {
      if (isLocal(type)) return "local-message";
      if (isResponse(type) && this.#raft.tracker.get(from) === undefined) return "unknown-peer";
    }
    return step(this.#raft, received);
  }

  /** Proposes a command. Taken is not committed: it may still be lost with its leader. */
  propose(data: Uint8Array): Refusal | undefined {
    return step(this.#raft, proposal(this.#raft, [proposed("normal", data)]));
  }

  /** Proposes commands that are appended together, in this order; all of them or none. */
  proposeAll(commands: readonly Uint8Array[]): Refusal | undefined {
    if (commands.length === 0) return undefined;
    const entries = commands.map((data) => proposed("normal", data));
    return step(this.#raft, proposal(this.#raft, entries));
  }

  /**
   * Proposes a change of the membership. One that cannot be made now is appended as an empty entry:
   * whoever waits for it sees it go by without effect.
   */
  proposeConfChange(change: ConfChange): Refusal | undefined {
    const entry = proposed("conf-change", encodeConfChange(change));
    return step(this.#raft, proposal(this.#raft, [entry]));
  }

  /**
   * Takes a committed change into effect; called when its entry is applied, unless the application
   * rejects it. Returns the new membership, for the next snapshot. Throws a RaftError
   * "RAFT_CONF_CHANGE", and changes nothing, if none follows.
   */
  applyConfChange(change: ConfChange): ConfState {
    return applyConfChange(this.#raft, change);
  }

  /**
   * Asks for a linearizable read. The answer comes with a later `ready`, with the same context; or
   * never, if leadership changes, so whoever waits needs a timeout.
   */
  readIndex(context: Uint8Array): Refusal | undefined {
    const request = message("read-index", this.#raft.id, NONE, 0);
    request.context = context;
    return step(this.#raft, request);
  }

  /** Starts an election now. */
  campaign(): void {
    step(this.#raft, this.#local("campaign", this.#raft.id));
  }

  /** Hands leadership over to that member, if it is or comes up to date in time. */
  transferLeader(to: number): Refusal | undefined {
    return step(this.#raft, this.#local("transfer-leader", to));
  }

  /** A follower no longer counts its leader as alive, without leaving the term. */
  forgetLeader(): void {
    step(this.#raft, this.#local("forget-leader", this.#raft.id));
  }

  /** A leader gives up, without a successor: it cannot do its work, such as write its log. */
  stepDown(): void {
    if (this.#raft.role === "leader") becomeFollower(this.#raft, this.#raft.term, NONE);
  }

  /** The last message to that member could not be delivered. */
  reportUnreachable(id: number): void {
    step(this.#raft, this.#local("unreachable", id));
  }

  /** A snapshot has reached that member, or has failed to. */
  reportSnapshot(id: number, delivered: boolean): void {
    const report = this.#local("snapshot-status", id);
    report.reject = !delivered;
    step(this.#raft, report);
  }

  /** Whether there is work to do. */
  get hasReady(): boolean {
    const raft = this.#raft;
    return (
      raft.messages.length > 0 ||
      raft.messagesAfterAppend.length > 0 ||
      raft.log.unstable.hasNextEntries ||
      raft.log.hasNextCommitted(!raft.settings.asyncStorageWrites) ||
      raft.readStates.length > 0 ||
      this.#newSoftState() !== undefined ||
      this.#newHardState() !== undefined ||
      raft.log.unstable.nextSnapshot() !== undefined
    );
  }

  /** Hands out what there is to do, once. */
  ready(): Ready {
    const raft = this.#raft;
    const isAsync = raft.settings.asyncStorageWrites;
    if (!isAsync && !this.#advanced) {
      throw new RaftError("RAFT_MISUSE", "ready was called again before advance");
    }
    const softState = this.#newSoftState();
    const hardState = this.#newHardState();
    const { unstable } = raft.log;
    const snapshot = unstable.nextSnapshot();
    const entries = unstable.nextEntries();
    const committedEntries = raft.log.nextCommitted(!isAsync);
    const { messages, messagesAfterAppend, readStates } = raft;
    const mustSync =
      entries.length > 0 ||
      (hardState !== undefined &&
        (hardState.term !== this.#hardState.term || hardState.vote !== this.#hardState.vote));
    const promises: Message[] = [];
    if (isAsync) {
      const writes = entries.length > 0 || hardState !== undefined || snapshot !== undefined;
      if (writes || messagesAfterAppend.length > 0) {
        messages.push(storageAppend(raft, entries, hardState, snapshot));
      }
      if (committedEntries.length > 0) messages.push(storageApply(raft, committedEntries));
    } else {
      for (const each of messagesAfterAppend) {
        (each.to === raft.id ? this.#onAdvance : promises).push(each);
      }
      if (needsAppendResponse(raft, snapshot)) {
        this.#onAdvance.push(storageAppendResponse(raft, snapshot));
      }
      if (committedEntries.length > 0) {
        this.#onAdvance.push(storageApplyResponse(raft, committedEntries));
      }
      this.#advanced = false;
    }
    raft.messages = [];
    raft.messagesAfterAppend = [];
    if (readStates.length > 0) raft.readStates = [];
    unstable.acceptInProgress();
    raft.log.acceptApplying(committedEntries, !isAsync);
    if (softState !== undefined) this.#softState = softState;
    if (hardState !== undefined) this.#hardState = hardState;
    return {
      softState,
      messages,
      snapshot,
      hardState,
      entries,
      mustSync,
      promises,
      committedEntries,
      readStates,
    };
  }

  /** The work of the last `ready` is done: written, synced, sent and applied. */
  advance(): void {
    if (this.#raft.settings.asyncStorageWrites) {
      throw new RaftError("RAFT_MISUSE", "advance with asyncStorageWrites: deliver the responses");
    }
    const told = this.#onAdvance;
    this.#onAdvance = [];
    this.#advanced = true;
    for (const each of told) step(this.#raft, each);
  }

  /** What this node is and knows, as of now. */
  status(): Status {
    const { id, term, vote, role, lead, transferee, uncommittedBytes, log, tracker } = this.#raft;
    const members = role === "leader" ? tracker.members : [];
    return {
      id,
      term,
      vote,
      role,
      lead,
      transferee,
      firstIndex: log.firstIndex(),
      lastIndex: log.lastIndex(),
      committed: log.committed,
      applied: log.applied,
      uncommittedBytes,
      configuration: tracker.configuration,
      members: members.map((each) => ({
        id: each.id,
        match: each.match,
        next: each.next,
        state: each.state,
        recentActive: each.recentActive,
        paused: each.isPaused,
        inflight: each.inflights.count,
        isLearner: each.isLearner,
      })),
    };
  }

  #local(type: "campaign" | "transfer-leader" | "forget-leader" | LocalReport, from: number) {
    return message(type, this.#raft.id, from, 0);
  }

  #newSoftState(): SoftState | undefined {
    const { lead, role } = this.#raft;
    const known = this.#softState;
    return lead === known.lead && role === known.role ? undefined : { lead, role };
  }

  #newHardState(): HardState | undefined {
    const { term, vote, log } = this.#raft;
    const known = this.#hardState;
    const same = term === known.term && vote === known.vote && log.committed === known.commit;
    return same ? undefined : { term, vote, commit: log.committed };
  }

  static {
    coreOf = (node) => node.#raft;
  }
}

type LocalReport = "unreachable" | "snapshot-status";
