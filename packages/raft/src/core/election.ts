// Elections (Raft §5.2, §5.4.1; thesis §9.6 on pre-votes, §6.4.1 and §4.2.3 on leases).
//
// A vote is given once per term, and only to a candidate whose log is at least as up to date: a
// majority has every committed entry, so no one who lacks it can win. A pre-vote asks the same
// question without a term being spent, so that a node which was cut off does not come back with a
// higher term and depose a leader that everybody else still hears of.
//
// Votes and refusals also say how far the sender has committed. With configurations that take
// effect when they are applied, a group can otherwise lock itself out: the one voter whose log is
// good enough may not know that a change is committed, and ask for votes of the configuration
// before it, while those who know of the change have no vote or a shorter log (found by the
// simulation; TiKV's raft-rs has the same remedy).

import { hasUnappliedChange } from "./membership.ts";
import type { Message, MessageType } from "./message.ts";
import { NONE } from "./message.ts";
import type { Raft } from "./raft.ts";
import { broadcastAppend } from "./replication.ts";
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from "./roles.ts";

/** Why an election begins; one that a leader asked for is granted in spite of its lease. */
export type Campaign = "pre-election" | "election" | "transfer";

/** Whether this node could lead: a voter, with no snapshot still to be written. */
export function isPromotable(raft: Raft): boolean {
  const own = raft.tracker.get(raft.id);
  return own !== undefined && !own.isLearner && raft.log.unstable.snapshot === undefined;
}

/** Starts an election, unless this node may not. */
export function campaign(raft: Raft, kind: Campaign): void {
  const { term } = raft;
  const { trace } = raft.settings;
  if (raft.role === "leader") {
    trace?.({ kind: "election-ignored", reason: "leader", term });
  } else if (!isPromotable(raft)) {
    trace?.({ kind: "election-ignored", reason: "unpromotable", term });
  } else if (hasUnappliedChange(raft)) {
    trace?.({ kind: "election-ignored", reason: "unapplied", term });
  } else {
    trace?.({ kind: "election-started", term });
    askForVotes(raft, kind);
  }
}

function askForVotes(raft: Raft, kind: Campaign): void {
  const isPre = kind === "pre-election";
  if (isPre) becomePreCandidate(raft);
  else becomeCandidate(raft);
  const type = isPre ? "pre-vote" : "vote";
  const term = isPre ? raft.term + 1 : raft.term;
  const { tip } = raft;
  for (const id of raft.tracker.voters()) {
    if (id === raft.id) {
      // Its own vote, too, counts once it is durable: it comes back as a message.
      const own = raft.compose(responseTo(type), id);
      own.term = term;
      raft.send(own);
      continue;
    }
    raft.settings.trace?.({ kind: "vote-requested", type, to: id, term: raft.term, tip });
    const request = raft.compose(type, id);
    request.term = term;
    request.index = tip.index;
    request.logTerm = tip.term;
    request.transfer = kind === "transfer";
    tellCommit(raft, request);
    raft.send(request);
  }
}

/** Gives a vote, or says no. Terms have been compared before; see step.ts. */
export function handleVoteRequest(raft: Raft, request: Message): void {
  const { type, from, term } = request;
  const { vote, tip } = raft;
  // Again the same vote; or none given yet, and no leader known; or a question about the future.
  const free =
    vote === from ||
    (vote === NONE && raft.lead === NONE) ||
    (type === "pre-vote" && term > raft.term);
  const granted = free && raft.log.isUpToDate(request.index, request.logTerm);
  const kind = granted ? "vote-cast" : "vote-rejected";
  raft.settings.trace?.({ kind, message: request, vote, term: raft.term, tip });
  const answer = raft.compose(responseTo(type), from);
  answer.reject = !granted;
  // A pre-candidate waits for the term that it asked about; with ours, the yes would look stale.
  if (granted) answer.term = term;
  else tellCommit(raft, answer);
  raft.send(answer);
  if (!granted) learnCommit(raft, request);
  if (granted && type === "vote") {
    raft.electionElapsed = 0;
    raft.vote = from;
  }
}

/** Counts a vote, and acts once the election is decided. */
export function handleVoteResponse(raft: Raft, answer: Message): void {
  const { type, from, reject } = answer;
  const { tracker, settings } = raft;
  settings.trace?.({ kind: "vote-received", type, from, term: raft.term, granted: !reject });
  tracker.recordVote(from, !reject);
  const { granted, rejected, result } = tracker.tally();
  settings.trace?.({ kind: "votes-counted", type, granted, rejected });
  if (reject) learnCommit(raft, answer);
  if (raft.role === "follower") return;
  if (result === "lost") {
    // Of a lost pre-vote, too, the term stays: the one asked about was never entered.
    becomeFollower(raft, raft.term, NONE);
  } else if (result === "won" && raft.role === "pre-candidate") {
    askForVotes(raft, "election");
  } else if (result === "won") {
    becomeLeader(raft);
    broadcastAppend(raft);
  }
}

/** Says how far this node has committed, as (index, term). */
export function tellCommit({ log }: Raft, message: Message): void {
  message.commit = log.committed;
  message.commitTerm = log.term(log.committed) ?? 0;
}

// An entry that is committed somewhere is committed here, if it is the same one: so is all that is
// before it, by Log Matching.
function learnCommit(raft: Raft, { commit, commitTerm }: Message): void {
  const { role, log } = raft;
  if (role === "leader" || commitTerm === 0 || !log.maybeCommit(commit, commitTerm)) return;
  // Votes are counted by one configuration: if there is to be another, from the beginning.
  if (role !== "follower" && hasUnappliedChange(raft)) becomeFollower(raft, raft.term, NONE);
}

/** Whether a leader was heard of too lately for a vote against it to be given (thesis §4.2.3). */
export function inLease({ settings, lead, electionElapsed }: Raft): boolean {
  return settings.checkQuorum && lead !== NONE && electionElapsed < settings.electionTicks;
}

/** A leader counts who was heard of since it last did; without a majority it steps down. */
export function checkQuorum(raft: Raft): void {
  const { tracker } = raft;
  if (!tracker.quorumActive()) {
    raft.settings.trace?.({ kind: "quorum-lost" });
    becomeFollower(raft, raft.term, NONE);
  }
  for (const progress of tracker.members) {
    if (progress.id !== raft.id) progress.recentActive = false;
  }
}

/** A follower that has other reasons to think its leader gone no longer stands by it. */
export function forgetLeader(raft: Raft): void {
  if (raft.role !== "follower" || raft.lead === NONE) return;
  const { trace, reads } = raft.settings;
  if (reads === "lease-based") {
    // The leader answers reads by the promise that nobody votes against it yet.
    trace?.({ kind: "forget-ignored" });
    return;
  }
  trace?.({ kind: "leader-forgotten", lead: raft.lead, term: raft.term });
  raft.lead = NONE;
}

function responseTo(type: MessageType): "vote-response" | "pre-vote-response" {
  return type === "vote" ? "vote-response" : "pre-vote-response";
}
