// Who is in the group, as it is stored and sent: plain data beside a snapshot.

/** The members of a group. In a joint configuration `votersOutgoing` is not empty. */
export interface ConfState {
  /** Who votes; in a joint configuration, the majority that is to come. */
  readonly voters: readonly number[];
  /** The majority that is to go, in a joint configuration. */
  readonly votersOutgoing: readonly number[];
  /** Who receives the log and does not vote. */
  readonly learners: readonly number[];
  /** Outgoing voters that turn into learners when the joint configuration is left. */
  readonly learnersNext: readonly number[];
  /** Whether the leader leaves the joint configuration by itself. */
  readonly autoLeave: boolean;
}

/** Whether it has a place in that group. Who is in learnersNext is an outgoing voter, too. */
export function isMember(state: ConfState, id: number): boolean {
  const { voters, votersOutgoing, learners } = state;
  return voters.includes(id) || votersOutgoing.includes(id) || learners.includes(id);
}

/** A group without members. */
export const EMPTY_CONF_STATE: ConfState = Object.freeze({
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
});
