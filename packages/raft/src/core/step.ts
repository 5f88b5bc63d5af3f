// What a message meets first: its term (Raft §5.1). A higher one makes this node a follower of that
// term, a lower one is old and dropped. The exceptions are what etcd adds for nodes that were away:
//
//   A pre-vote is a question about a term that nobody has entered; it moves no term.
//   A vote is ignored while a leader is heard of (its lease), unless that leader asked for it.
//   A leader of a lower term is told of ours, if votes alone cannot: with leases and pre-votes, or
//   as a learner, a node whose term has run ahead gets no votes and hears no leader, for ever.

import {
  campaign,
  checkQuorum,
  forgetLeader,
  handleVoteRequest,
  handleVoteResponse,
  inLease,
  isPromotable,
  tellCommit,
} from "./election.ts";
import { entriesBytes, payloadBytes } from "./entry.ts";
import { handleAppend, handleHeartbeat, handleSnapshot } from "./following.ts";
import { appliedTo, leaveJointIfDue, propose } from "./membership.ts";
import { type Message, NONE, type Refusal } from "./message.ts";
import { release } from "./proposals.ts";
import type { Raft } from "./raft.ts";
import { read } from "./reads.ts";
import {
  broadcastHeartbeat,
  handleAppendResponse,
  handleHeartbeatResponse,
  handleSnapshotStatus,
  handleUnreachable,
} from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { handleTransfer } from "./transfer.ts";

/** Takes one message; a refusal is the answer to a proposal or a read that goes nowhere. */
export function step(raft: Raft, message: Message): Refusal | undefined {
  const { term } = message;
  if (term > raft.term) {
    if (!enterTerm(raft, message)) return undefined;
  } else if (term !== 0 && term < raft.term) {
    answerLowerTerm(raft, message);
    return undefined;
  }
  switch (message.type) {
    case "campaign":
      campaign(raft, raft.settings.preVote ? "pre-election" : "election");
      return undefined;
    case "vote":
    case "pre-vote":
      handleVoteRequest(raft, message);
      return undefined;
    case "storage-append-response":
      handleStorageAppended(raft, message);
      return undefined;
    case "storage-apply-response":
      handleStorageApplied(raft, message);
      return undefined;
    case "forget-leader":
      forgetLeader(raft);
      return undefined;
    default:
      if (raft.role === "leader") return stepLeader(raft, message);
      if (raft.role === "follower") return stepFollower(raft, message);
      return stepCandidate(raft, message);
  }
}

// A higher term. False if the message ends here.
function enterTerm(raft: Raft, message: Message): boolean {
  const { type, term, from } = message;
  const { trace } = raft.settings;
  if ((type === "vote" || type === "pre-vote") && !message.transfer && inLease(raft)) {
    const leaseTicks = raft.settings.electionTicks - raft.electionElapsed;
    const { vote, tip } = raft;
    trace?.({ kind: "vote-ignored", message, vote, term: raft.term, tip, leaseTicks });
    return false;
  }
  // The term of a pre-vote, and of a yes to one, is that of an election that may come.
  if (type === "pre-vote" || (type === "pre-vote-response" && !message.reject)) return true;
  trace?.({ kind: "higher-term", message, term: raft.term });
  const leads = type === "append" || type === "heartbeat" || type === "snapshot";
  const { electionElapsed } = raft;
  becomeFollower(raft, term, leads ? from : NONE);
  // §5.2: only a vote that is granted puts the own election off. Else candidates whose logs are
  // behind, and who cannot win, could hold up the one who can, round after round.
  if (type === "vote") raft.electionElapsed = electionElapsed;
  return true;
}

function answerLowerTerm(raft: Raft, message: Message): void {
  const { type, from } = message;
  const { checkQuorum, preVote, trace } = raft.settings;
  // Without leases and pre-votes its next campaign would do, if it is one to campaign.
  const isQuiet = !checkQuorum && !preVote && isPromotable(raft);
  if (!isQuiet && (type === "heartbeat" || type === "append")) {
    raft.send(raft.compose("append-response", from));
    return;
  }
  if (type === "pre-vote" || type === "vote") {
    // Silence would leave a candidate of a lower term, who may be all that can win, waiting; and if
    // this node goes on campaigning where it cannot win, behind for ever.
    const { vote, tip } = raft;
    if (type === "vote") trace?.({ kind: "lower-term", message, term: raft.term });
    else trace?.({ kind: "vote-rejected", message, vote, term: raft.term, tip });
    const answer = raft.compose(type === "vote" ? "vote-response" : "pre-vote-response", from);
    answer.reject = true;
    tellCommit(raft, answer);
    raft.send(answer);
    return;
  }
  if (type !== "storage-append-response") {
    trace?.({ kind: "lower-term", message, term: raft.term });
    return;
  }
  // Entries written in an earlier term may have been replaced in this one, by a write that is still
  // on its way. A snapshot is committed state, and stays true in any term.
  if (message.index !== 0) trace?.({ kind: "lower-term", message, term: raft.term });
  if (message.snapshot !== undefined) handleSnapshotWritten(raft, message.snapshot.index);
}

function stepLeader(raft: Raft, message: Message): Refusal | undefined {
  switch (message.type) {
    case "propose":
      return propose(raft, message.entries);
    case "read-index":
      return read(raft, message, broadcastHeartbeat);
    case "beat":
      broadcastHeartbeat(raft);
      return undefined;
    case "check-quorum":
      checkQuorum(raft);
      return undefined;
  }
  const progress = raft.tracker.get(message.from);
  if (progress === undefined) {
    raft.settings.trace?.({ kind: "no-progress", from: message.from });
    return undefined;
  }
  switch (message.type) {
    case "append-response":
      handleAppendResponse(raft, message, progress);
      break;
    case "heartbeat-response":
      handleHeartbeatResponse(raft, message, progress);
      break;
    case "snapshot-status":
      handleSnapshotStatus(raft, message.reject, progress);
      break;
    case "unreachable":
      handleUnreachable(raft, progress);
      break;
    case "transfer-leader":
      handleTransfer(raft, message, progress);
      break;
  }
  return undefined;
}

function stepCandidate(raft: Raft, message: Message): Refusal | undefined {
  const { type, from } = message;
  switch (type) {
    case "propose":
      return drop(raft);
    case "read-index":
      raft.settings.trace?.({ kind: "read-dropped", reason: "no-leader", term: raft.term });
      return "no-leader";
    case "append":
    case "heartbeat":
    case "snapshot":
      // Somebody has won this term.
      becomeFollower(raft, message.term, from);
      return stepFollower(raft, message);
    case "vote-response":
    case "pre-vote-response":
      // An answer to the other question is one that came late.
      if ((type === "pre-vote-response") === (raft.role === "pre-candidate")) {
        handleVoteResponse(raft, message);
      }
      return undefined;
    case "timeout-now": {
      const { term } = raft;
      const reason = "campaigning";
      raft.settings.trace?.({ kind: "transfer-ignored", to: from, term, reason });
      return undefined;
    }
    default:
      return undefined;
  }
}

function stepFollower(raft: Raft, message: Message): Refusal | undefined {
  const { type, from } = message;
  switch (type) {
    case "append":
    case "heartbeat":
    case "snapshot":
      raft.electionElapsed = 0;
      raft.lead = from;
      if (type === "append") handleAppend(raft, message);
      else if (type === "heartbeat") handleHeartbeat(raft, message);
      else handleSnapshot(raft, message);
      return undefined;
    case "propose":
      return drop(raft) ?? forward(raft, message);
    case "read-index":
      if (raft.lead !== NONE) return forward(raft, message);
      raft.settings.trace?.({ kind: "read-dropped", reason: "no-leader", term: raft.term });
      return "no-leader";
    case "transfer-leader":
      if (raft.lead !== NONE) return forward(raft, { ...message, term: raft.term });
      raft.settings.trace?.({
        kind: "transfer-ignored",
        to: from,
        term: raft.term,
        reason: "no-leader",
      });
      return "no-leader";
    case "timeout-now":
      raft.settings.trace?.({ kind: "transfer-received", from, term: raft.term });
      // Without a pre-vote: the leader itself says that it is time.
      campaign(raft, "transfer");
      return undefined;
    case "read-index-response":
      if (message.context !== undefined) {
        raft.readStates.push({ index: message.index, context: message.context });
      }
      return undefined;
    default:
      return undefined;
  }
}

// Why a proposal cannot be passed on, if it cannot.
function drop(raft: Raft): Refusal | undefined {
  const { lead, term } = raft;
  if (lead !== NONE && raft.settings.forwardProposals) return undefined;
  const reason = lead === NONE ? "no-leader" : "not-forwarded";
  raft.settings.trace?.({ kind: "proposal-dropped", reason, lead, term });
  return reason;
}

function forward(raft: Raft, message: Message): undefined {
  raft.send({ ...message, to: raft.lead, from: message.from === NONE ? raft.id : message.from });
}

function handleStorageAppended(raft: Raft, message: Message): void {
  if (message.index !== 0) raft.log.unstable.stableTo(message.index, message.logTerm);
  if (message.snapshot !== undefined) handleSnapshotWritten(raft, message.snapshot.index);
}

function handleSnapshotWritten(raft: Raft, index: number): void {
  raft.log.unstable.stableSnapshotTo(index);
  appliedTo(raft, index, 0);
}

function handleStorageApplied(raft: Raft, { entries }: Message): void {
  const last = entries.at(-1);
  if (last === undefined) return;
  appliedTo(raft, last.index, entriesBytes(entries));
  release(raft, payloadBytes(entries));
}

/** One tick of time: an election, a heartbeat or a count of the quorum may be due. */
export function tick(raft: Raft): void {
  raft.electionElapsed++;
  if (raft.role !== "leader") {
    if (raft.electionElapsed < raft.randomizedElectionTicks || !isPromotable(raft)) return;
    raft.electionElapsed = 0;
    campaign(raft, raft.settings.preVote ? "pre-election" : "election");
    return;
  }
  raft.heartbeatElapsed++;
  if (raft.electionElapsed >= raft.settings.electionTicks) {
    raft.electionElapsed = 0;
    if (raft.settings.checkQuorum) checkQuorum(raft);
    // Whoever was to take over has not; proposals are taken again, the leader's own first.
    if (raft.transferee !== NONE) {
      raft.transferee = NONE;
      leaveJointIfDue(raft);
    }
  }
  if (raft.role !== "leader" || raft.heartbeatElapsed < raft.settings.heartbeatTicks) return;
  raft.heartbeatElapsed = 0;
  broadcastHeartbeat(raft);
}
