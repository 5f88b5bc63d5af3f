// A leader's followers, each a value of the label `follower`. Members come and go while the process
// runs, and a label's values must be known before: so the ids from 1 to 255 have a series of their
// own, and only those of members are handed over. An id is never used again, and a group of five
// that replaces a member a month comes to 255 after twenty years. Members with higher ids share
// `other`, which shows the worst of them.
//
// Who does not lead has none of these series: they move with the leadership.
import type { Family } from "@compendium/metrics";
import type { NodeStatus } from "../node/status.ts";
import type { ProgressState } from "../tracker/progress.ts";
import type { MeasurableNode } from "./register.ts";
import { leads } from "./state.ts";

type Follower = NodeStatus["members"][number];

const ID_MAX = 255;
const OTHER = "other";
const FOLLOWERS: readonly string[] = [
  ...Array.from({ length: ID_MAX }, (_, index) => String(index + 1)),
  OTHER,
];
const STATES: readonly ProgressState[] = ["probe", "replicate", "snapshot"];

/** The families of a leader's followers. */
export function followerFamilies(node: MeasurableNode): Family[] {
  return [
    each(node, "raft_follower_lag_entries", {
      help: "At the leader: entries that the follower is not known to have.",
      read: ({ match }, { lastIndex }) => Math.max(0, lastIndex - match),
      worst: Math.max,
    }),
    each(node, "raft_follower_inflight", {
      help: "At the leader: appends that are on their way to the follower.",
      read: ({ inflight }) => inflight,
      worst: Math.max,
    }),
    each(node, "raft_follower_active", {
      help: "At the leader: 1 where the follower was heard of since the quorum was last counted.",
      read: ({ recentActive }) => Number(recentActive),
      worst: Math.min,
    }),
    {
      name: "raft_follower_state",
      type: "gauge",
      help: "At the leader: 1 for how it sends to the follower, 0 for the other ways.",
      labels: { follower: FOLLOWERS, state: STATES },
      collect: (emit) => {
        for (const [follower, all] of followersOf(node.status())) {
          for (const state of STATES) {
            const isIn = all.some((one) => one.state === state);
            emit(Number(isIn), { follower, state });
          }
        }
      },
    },
  ];
}

interface Reading {
  readonly help: string;
  readonly read: (follower: Follower, status: NodeStatus) => number;
  readonly worst: (...values: number[]) => number;
}

function each(node: MeasurableNode, name: string, { help, read, worst }: Reading): Family {
  return {
    name,
    type: "gauge",
    help,
    labels: { follower: FOLLOWERS },
    collect: (emit) => {
      const status = node.status();
      for (const [follower, all] of followersOf(status)) {
        emit(worst(...all.map((one) => read(one, status))), { follower });
      }
    },
  };
}

function followersOf(status: NodeStatus): Map<string, Follower[]> {
  const followers = new Map<string, Follower[]>();
  if (!leads(status)) return followers;
  for (const member of status.members) {
    if (member.id === status.id) continue;
    const label = member.id <= ID_MAX ? String(member.id) : OTHER;
    followers.set(label, [...(followers.get(label) ?? []), member]);
  }
  return followers;
}
