// Follower, candidate, leader (Raft §5.1, figure 4), and what each change leaves behind.
//
//                  times out        wins a majority
//   follower ──▶ (pre-)candidate ──────────────────▶ leader
//      ▲               │                                │
//      └───────────────┴────────────────────────────────┘
//        somebody leads this term, or a higher term is seen

import { NO_BYTES } from "./entry.ts";
import { NONE } from "./message.ts";
import { appendOwn } from "./proposals.ts";
import type { Raft } from "./raft.ts";
import { ReadQueue } from "./read-queue.ts";

/** Follows `lead`, or waits to hear of a leader, in that term. */
export function becomeFollower(raft: Raft, term: number, lead: number): void {
  reset(raft, term);
  raft.lead = lead;
  raft.role = "follower";
  raft.settings.trace?.({ kind: "role", role: "follower", term });
}

/** Asks for votes in a new term; its own is cast, and counts once it is durable. */
export function becomeCandidate(raft: Raft): void {
  reset(raft, raft.term + 1);
  raft.vote = raft.id;
  raft.role = "candidate";
  raft.settings.trace?.({ kind: "role", role: "candidate", term: raft.term });
}

/** Asks whether votes could be had. Changes neither term nor vote: nothing is spent yet. */
export function becomePreCandidate(raft: Raft): void {
  raft.tracker.votes.clear();
  raft.lead = NONE;
  raft.role = "pre-candidate";
  raft.settings.trace?.({ kind: "role", role: "pre-candidate", term: raft.term });
}

/** Leads, and opens its term with an empty entry, which commits all that came before (§8). */
export function becomeLeader(raft: Raft): void {
  reset(raft, raft.term);
  raft.lead = raft.id;
  raft.role = "leader";
  const own = raft.tracker.get(raft.id);
  if (own !== undefined) {
    own.becomeReplicate();
    own.recentActive = true;
  }
  // There may be a change of the membership somewhere in what is not applied yet. Rather than look
  // for it, none is proposed before all of that is applied.
  raft.pendingConfIndex = raft.log.lastIndex();
  appendOwn(raft, [{ term: 0, index: 0, type: "normal", data: NO_BYTES }]);
  raft.settings.trace?.({ kind: "role", role: "leader", term: raft.term });
}

function reset(raft: Raft, term: number): void {
  if (raft.term !== term) {
    raft.term = term;
    raft.vote = NONE;
  }
  raft.lead = NONE;
  raft.electionElapsed = 0;
  raft.heartbeatElapsed = 0;
  const { electionTicks, random } = raft.settings;
  raft.randomizedElectionTicks = electionTicks + random.below(electionTicks);
  raft.transferee = NONE;
  raft.tracker.votes.clear();
  const last = raft.log.lastIndex();
  for (const progress of raft.tracker.members) {
    progress.reset(last + 1, progress.id === raft.id ? last : 0);
  }
  raft.pendingConfIndex = 0;
  raft.uncommittedBytes = 0;
  raft.reads = new ReadQueue();
}
