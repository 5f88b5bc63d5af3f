// A membership from what a snapshot or the storage says of it. It is rebuilt by the same changes
// that could have led to it, and so passes the same checks: first the outgoing voters, one by one,
// then everything else in one step into the joint configuration.
import { Tracker } from "../tracker/tracker.ts";
import type { Change } from "./change.ts";
import { enterJoint, type Membership, simple } from "./changer.ts";
import type { ConfState } from "./conf-state.ts";

/**
 * That membership, with nothing known of its members, bounded as `like` is. Throws a RaftError
 * "RAFT_CONF_CHANGE" if it contradicts itself.
 */
export function restoreMembership(like: Tracker, lastIndex: number, state: ConfState): Membership {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = state;
  const change = (type: Change["type"]) => (id: number) => ({ type, id });
  const additions: Change[] = [
    ...voters.map(change("add-voter")),
    ...learners.map(change("add-learner")),
    ...learnersNext.map(change("add-learner")),
  ];
  const scratch = new Tracker(like.inflightMessagesMax, like.inflightBytesMax);
  const adopt = ({ configuration, members }: Membership) =>
    scratch.switchTo(configuration, members);
  const first = votersOutgoing.length > 0 ? votersOutgoing.map(change("add-voter")) : additions;
  for (const each of first) adopt(simple(scratch, lastIndex, [each]));
  if (votersOutgoing.length > 0) {
    const changes = [...votersOutgoing.map(change("remove")), ...additions];
    adopt(enterJoint(scratch, lastIndex, autoLeave, changes));
  }
  return { configuration: scratch.configuration, members: scratch.members };
}
