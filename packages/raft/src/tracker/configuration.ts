// Who is in the group and in which part, as the rest of Raft asks for it. A value: a change of the
// membership makes a new one (see confchange/changer.ts).
import type { ConfState } from "../confchange/conf-state.ts";
import { describeIds, describeVoters } from "../quorum/describe.ts";
import type { Joint } from "../quorum/joint.ts";

// Invariants: a learner is no voter, in either set; each of learnersNext is in outgoing; outside a
// joint configuration (outgoing is empty), learnersNext is empty and autoLeave is false.
/** The members, sorted within each part. */
export interface Configuration extends Joint {
  /** Who receives the log and does not vote. */
  readonly learners: readonly number[];
  /** Outgoing voters that become learners when the joint configuration is left. */
  readonly learnersNext: readonly number[];
  /** Whether the leader leaves the joint configuration by itself. */
  readonly autoLeave: boolean;
}

/** No members: what a node is before it has heard of a group. */
export const NO_MEMBERS: Configuration = Object.freeze({
  incoming: [],
  outgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
});

/** Whether two majorities decide. */
export function isJoint(configuration: Joint): boolean {
  return configuration.outgoing.length > 0;
}

/** The configuration as it is stored and sent. */
export function toConfState(configuration: Configuration): ConfState {
  const { incoming, outgoing, learners, learnersNext, autoLeave } = configuration;
  return { voters: incoming, votersOutgoing: outgoing, learners, learnersNext, autoLeave };
}

/** `voters=(1 2 4)&&(1 2 3) learners=(5) learners_next=(3) autoleave` */
export function describeConfiguration(configuration: Configuration): string {
  const { learners, learnersNext, autoLeave } = configuration;
  let text = `voters=${describeVoters(configuration)}`;
  if (learners.length > 0) text += ` learners=${describeIds(learners)}`;
  if (learnersNext.length > 0) text += ` learners_next=${describeIds(learnersNext)}`;
  return autoLeave ? `${text} autoleave` : text;
}
