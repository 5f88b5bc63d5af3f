// The state of one node (Raft figure 2, and what etcd adds to it), and the one place from which
// messages leave. The chapters beside this file change it:
//
//   roles.ts        follower, candidate, leader: what is reset on the way       §5.1
//   election.ts     campaigns, votes, pre-votes, leases                         §5.2, §5.4.1
//   proposals.ts    a leader's own log: appending, bounding, committing         §5.3, §5.4.2
//   replication.ts  a leader and its followers: appends, answers, flow control  §5.3, §7
//   following.ts    a follower and its leader: appends, heartbeats, snapshots   §5.3, §7
//   reads.ts        linearizable reads without the log                          thesis §6.4
//   transfer.ts     handing leadership over                                     thesis §3.10
//   membership.ts   changes of the group                                        §6, thesis §4
//   step.ts         terms, and which chapter a message belongs to               §5.1
//
// A node says two sorts of things. Most requests may leave at once. What promises something (a
// vote, an acknowledged entry) waits until what it promises is durable: a node that forgets its
// vote in a crash votes twice, and two leaders share a term. A request for votes promises, too:
// that this node has voted for itself, and has the log that it claims. If it left early, the
// others' votes alone could make it leader; after a crash it would ask for the same term again, be
// granted the same votes, and lead that term a second time, with other entries in the same places.
import { RaftError } from "../errors.ts";
import { RaftLog } from "../log/log.ts";
import { Tracker } from "../tracker/tracker.ts";
import type { LogTip } from "./events.ts";
import {
  type HardState,
  type Message,
  type MessageType,
  message,
  NONE,
  type ReadState,
  type Role,
} from "./message.ts";
import type { RaftSettings } from "./options.ts";
import { ReadQueue } from "./read-queue.ts";

/** One node's state. */
export class Raft {
  readonly id: number;
  readonly settings: RaftSettings;
  readonly log: RaftLog;
  readonly tracker: Tracker;

  // Durable before anything that follows from it is said: term, vote, and the log.
  // Invariant: the term never falls, and a vote, once cast, stands for the whole term.
  term = 0;
  vote: number = NONE;

  role: Role = "follower";
  lead: number = NONE;
  // Invariant: whoever is not in the configuration, or a learner in it, starts no election.
  isLearner = false;

  /** May be sent at once. */
  messages: Message[] = [];
  /** Promises: may be sent once all that is unstable now is durable. Some are to this very node. */
  messagesAfterAppend: Message[] = [];

  // Ticks since the leader was heard of, or, as a leader, since the quorum was last counted.
  electionElapsed = 0;
  heartbeatElapsed = 0;
  // Invariant: in [electionTicks, 2 * electionTicks), drawn anew with every change of role.
  randomizedElectionTicks = 0;

  // As a leader: whom leadership is being handed to. Proposals wait until that is over.
  transferee: number = NONE;
  // As a leader: no change of the membership is proposed until this index is applied.
  pendingConfIndex = 0;
  // As a leader: the bytes of proposals that are not known to be applied.
  uncommittedBytes = 0;
  reads: ReadQueue = new ReadQueue();
  readStates: ReadState[] = [];

  constructor(settings: RaftSettings) {
    this.id = settings.id;
    this.settings = settings;
    this.tracker = new Tracker(settings.inflightMessagesMax, settings.inflightBytesMax);
    this.log = new RaftLog(settings.storage, settings.applyingBytesMax, settings.trace);
  }

  get hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  get tip(): LogTip {
    return { index: this.log.lastIndex(), term: this.log.lastTerm() };
  }

  /**
   * Takes up what was durable before a restart. What is applied was committed, also where the disk
   * has an older commit index: that one is written without haste.
   */
  load({ term, vote, commit }: HardState, applied: number): void {
    const { log } = this;
    const committed = Math.max(commit, applied, log.committed);
    const last = log.lastIndex();
    if (committed > last) {
      throw new RaftError("RAFT_CORRUPT", `commit ${committed} is past the last entry, ${last}`);
    }
    this.term = term;
    this.vote = vote;
    log.committed = committed;
    if (applied > log.applied) log.appliedTo(applied, 0);
  }

  /** A message of the present term; {@link send} takes it. */
  compose(type: MessageType, to: number): Message {
    return message(type, to, this.id, this.term);
  }

  /** Lets a message leave: at once, or with what it promises. */
  send(sent: Message): void {
    switch (sent.type) {
      case "vote":
        (this.settings.votesBeforeSync ? this.messages : this.messagesAfterAppend).push(sent);
        break;
      case "append-response":
      case "vote-response":
      case "pre-vote-response":
        this.messagesAfterAppend.push(sent);
        break;
      default:
        this.messages.push(sent);
    }
  }
}
