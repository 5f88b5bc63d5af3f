// Joint consensus (Raft §6; thesis §4.3): while one set of voters replaces another, every decision
// needs a majority of both. Neither set can then decide alone, so there is no moment at which two
// disjoint majorities exist. Outside a change the outgoing set is empty, and agrees to everything.
import {
  type Acknowledged,
  committedIndex,
  type VoteResult,
  type Voters,
  voteResult,
} from "./majority.ts";

/** Two sets of voters, of which the outgoing one is empty except in a joint configuration. */
export interface Joint {
  /** The voters that are to stay. */
  readonly incoming: Voters;
  /** The voters that are to go; empty outside a joint configuration. */
  readonly outgoing: Voters;
}

/** The highest index that a majority of each set has acknowledged. */
export function jointCommittedIndex(joint: Joint, acknowledged: Acknowledged): number {
  const incoming = committedIndex(joint.incoming, acknowledged);
  if (joint.outgoing.length === 0) return incoming;
  return Math.min(incoming, committedIndex(joint.outgoing, acknowledged));
}

/** Lost as soon as one set has decided against; won when both have decided for. */
export function jointVoteResult(joint: Joint, votes: ReadonlyMap<number, boolean>): VoteResult {
  const incoming = voteResult(joint.incoming, votes);
  const outgoing = voteResult(joint.outgoing, votes);
  if (incoming === outgoing) return incoming;
  if (incoming === "lost" || outgoing === "lost") return "lost";
  return "pending";
}

/** The ids in either set, in order. */
export function jointIds({ incoming, outgoing }: Joint): number[] {
  return [...new Set([...incoming, ...outgoing])].sort((a, b) => a - b);
}
