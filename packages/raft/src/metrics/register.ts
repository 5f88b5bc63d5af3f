// The numbers of a member for Prometheus, read when it asks: a scrape costs a `status()` or a
// `stats()` for each family, proposals and reads nothing. All of it is what this member knows, and
// members differ: a follower that is cut off shows an old term, a leader's followers are as it last
// heard of them. What holds for the group is for a rule to say, over all members
// (observability/prometheus/rules).
//
// The labels are closed sets. `name` is the group's and `member` this member's id: a process may
// show members of several groups, and several members of one. `follower` is a member's id too, and
// who is a member changes while the process runs; followers.ts says how that is bounded.
import { type Family, type MetricRegistry, registerMetrics } from "@compendium/metrics";
import type { NodeStats, NodeStatus } from "../node/status.ts";
import { askedFamilies } from "./asked.ts";
import { diskFamilies } from "./disk.ts";
import { followerFamilies } from "./followers.ts";
import { networkFamilies } from "./network.ts";
import { stateFamilies } from "./state.ts";

/** What has a member's numbers to show: a `RaftNode`. */
export interface MeasurableNode {
  /** The member's id. */
  readonly id: number;
  /** What it is and knows; reading changes nothing. */
  status(): NodeStatus;
  /** What it has done; reading changes nothing. */
  stats(): NodeStats;
}

/** How a member is shown. */
export interface RaftMetricsOptions {
  /** The group's name, in the label `name`; "raft". */
  readonly group?: string;
}

/**
 * Shows `node` in `registry` until the returned object is disposed. Takes 82 series; at the leader
 * 2 more, and 6 for each follower. A scrape changes nothing, and a node may be in several
 * registries. One that was closed or has failed is shown as it was, with `raft_running` at 0 and
 * without a role.
 *
 * @throws TypeError when that member of that group is shown already; for an empty name
 */
export function registerRaftNode(
  registry: MetricRegistry,
  node: MeasurableNode,
  { group = "raft" }: RaftMetricsOptions = {},
): Disposable {
  const own = { name: group, member: String(node.id) };
  const families = [
    ...stateFamilies(node),
    ...followerFamilies(node),
    ...askedFamilies(node),
    ...diskFamilies(node),
    ...networkFamilies(node),
  ];
  return registerMetrics(
    registry,
    families.map((family) => labelled(family, own)),
  );
}

// What all families of one member have in common.
function labelled({ labels, collect, ...head }: Family, own: Record<string, string>): Family {
  const ownSets = Object.fromEntries(Object.entries(own).map(([label, value]) => [label, [value]]));
  return {
    ...head,
    labels: { ...ownSets, ...labels },
    collect: (emit) => collect((value, more) => emit(value, { ...own, ...more })),
  };
}
