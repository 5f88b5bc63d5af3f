// Linearizable reads without a log entry (thesis §6.4). A leader answers with an index: whoever has
// applied up to it sees all that was committed when the read came. Two things must be sure first.
// It must know what is committed, which takes an entry committed in its own term. And it must still
// lead: a majority answers a heartbeat that was sent after the read came ("safe"), or the leader
// trusts that no other can be elected before its lease is over ("lease-based", which is only as
// good as the clocks are).

import { jointCommittedIndex } from "../quorum/joint.ts";
import { NO_BYTES } from "./entry.ts";
import { type Message, NONE, type Refusal } from "./message.ts";
import { committedInTerm } from "./proposals.ts";
import type { Raft } from "./raft.ts";

type Broadcast = (raft: Raft) => void;

/** Answers a read at the leader, at once or later. */
export function read(raft: Raft, request: Message, broadcast: Broadcast): Refusal | undefined {
  if (raft.reads.size >= raft.settings.readsMax) return "too-many-reads";
  if (committedInTerm(raft)) begin(raft, request, broadcast);
  else raft.reads.early.push(request);
  return undefined;
}

/** Begins the reads that came before the first commit of the term, now that there may be one. */
export function releaseEarlyReads(raft: Raft, broadcast: Broadcast): void {
  if (raft.reads.early.length === 0 || !committedInTerm(raft)) return;
  const { early } = raft.reads;
  raft.reads.early = [];
  for (const request of early) begin(raft, request, broadcast);
}

function begin(raft: Raft, request: Message, broadcast: Broadcast): void {
  if (raft.settings.reads === "lease-based") {
    answer(raft, request, raft.log.committed);
    return;
  }
  raft.reads.add(request, raft.log.committed);
  confirmReads(raft, raft.id, raft.reads.round);
  // Unless this leader is a majority by itself, the others must speak after the read came.
  if (raft.reads.round > 0) broadcast(raft);
}

/** A member has answered a heartbeat of that round; answers the reads that a majority confirms. */
export function confirmReads(raft: Raft, from: number, round: number): void {
  raft.reads.acknowledge(from, round);
  const confirmed = jointCommittedIndex(raft.tracker.configuration, raft.reads);
  for (const { request, index } of raft.reads.takeUpTo(confirmed)) answer(raft, request, index);
}

function answer(raft: Raft, request: Message, index: number): void {
  const { from, context = NO_BYTES } = request;
  if (from === NONE || from === raft.id) {
    raft.readStates.push({ index, context });
    return;
  }
  const response = raft.compose("read-index-response", from);
  response.index = index;
  response.context = context;
  raft.send(response);
}
