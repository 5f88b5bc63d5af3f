// Registers every family on a live object: the guard of the README's metrics table looks here, and
// so do the dashboards. A leader on its own, with a learner that never answers: it has a follower
// to show, and needs nobody to commit.
import type { MetricRegistry } from "@compendium/metrics";
import { registerRaftNode } from "@compendium/raft/metrics";
import { type PeerNetwork, type PeerNetworkStats, RaftNode } from "@compendium/raft/node";
import { ManualClock, SeededRandom } from "@compendium/runtime";
import { Disk } from "./wal/disk.ts";

const NOTHING: PeerNetworkStats = {
  messagesSent: 0,
  messagesReceived: 0,
  messagesDropped: 0,
  bytesSent: 0,
  bytesReceived: 0,
  linksOpened: 0,
  linksOpen: 0,
  snapshotsSent: 0,
  snapshotsFailed: 0,
};

/** A network that reaches nobody. */
export const nowhere: PeerNetwork = {
  start: async () => {},
  setPeers: () => {},
  send: () => {},
  stats: () => NOTHING,
  close: async () => {},
};

/** A group of one on a disk in memory, which leads once its clock is moved. */
export async function openAlone(disk: Disk, clock: ManualClock): Promise<RaftNode> {
  return await RaftNode.open({
    id: 1,
    machine: {
      apply: (command) => command,
      snapshot: () => new Uint8Array(8),
      restore: () => {},
    },
    files: disk,
    folder: "raft",
    network: nowhere,
    bootstrap: new Map([[1, "here"]]),
    clock,
    random: new SeededRandom(1),
  });
}

// Holds nothing but memory, and is left running: a node that is closed has no followers to show.
export async function registerExample(registry: MetricRegistry): Promise<void> {
  const clock = new ManualClock();
  const node = await openAlone(new Disk(), clock);
  await clock.advanceAsync(2_000);
  await node.addLearner(2, "nowhere");
  registerRaftNode(registry, node, { group: "orders" });
}
