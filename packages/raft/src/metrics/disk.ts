// What the disk is asked to keep, the log and snapshots, and whether it does.
import type { Family } from "@compendium/metrics";
import { counter, gauge, histogram } from "./families.ts";
import type { MeasurableNode } from "./register.ts";

/** The families of log and snapshots. */
export function diskFamilies(node: MeasurableNode): Family[] {
  return [...logFamilies(node), ...faultFamilies(node), ...snapshotFamilies(node)];
}

function logFamilies(node: MeasurableNode): Family[] {
  return [
    histogram("raft_wal_sync_seconds", {
      help: "How long the write and the sync of a batch took; its count is the batches.",
      read: () => node.stats().wal.syncSeconds,
    }),
    counter("raft_wal_inline_syncs_total", {
      help: "Batches for which the event loop stood still, because the disk is quick.",
      read: () => node.stats().wal.inlineBatches,
    }),
    gauge("raft_wal_inline_sync_seconds_max", {
      help: "How long the slowest of those took.",
      read: () => node.stats().wal.inlineMsMax / 1_000,
    }),
    counter("raft_wal_entries_total", {
      help: "Entries that were made durable.",
      read: () => node.stats().wal.entries,
    }),
    counter("raft_wal_written_bytes_total", {
      help: "Bytes of batches, with headers and padding.",
      read: () => node.stats().wal.bytes,
    }),
    gauge("raft_wal_pending_bytes", {
      help: "Bytes that wait for the disk.",
      read: () => node.stats().wal.pendingBytes,
    }),
    gauge("raft_wal_segments", {
      help: "Segments of the log on the disk.",
      read: () => node.stats().wal.segments,
    }),
  ];
}

function faultFamilies(node: MeasurableNode): Family[] {
  return [
    counter("raft_wal_backlog_refused_total", {
      help: "Writes that were refused because too many bytes wait.",
      read: () => node.stats().wal.refusedBacklog,
    }),
    counter("raft_wal_retries_total", {
      help: "Writes that were refused, for want of space or for the backlog, and tried again.",
      read: () => node.stats().writeRetries,
    }),
    gauge("raft_wal_failed", {
      help: "1 where the disk has failed, and the log refuses everything, else 0.",
      read: () => Number(node.stats().wal.hasFailed),
    }),
    gauge("raft_disk_stalled", {
      help: "1 where the member neither leads nor votes because its disk does not write, else 0.",
      read: () => Number(node.status().isStalled),
    }),
    counter("raft_disk_stalls_total", {
      help: "How often the disk has stalled.",
      read: () => node.stats().stalls,
    }),
  ];
}

function snapshotFamilies(node: MeasurableNode): Family[] {
  return [
    counter("raft_snapshots_made_total", {
      help: "Snapshots that were made of this member's state.",
      read: () => node.stats().snapshotsMade,
    }),
    counter("raft_snapshots_refused_total", {
      help: "Snapshots that were not made, because the disk had no room.",
      read: () => node.stats().snapshotsRefused,
    }),
    counter("raft_snapshots_installed_total", {
      help: "Snapshots of a leader that have replaced this member's state.",
      read: () => node.stats().snapshotsInstalled,
    }),
    counter("raft_snapshots_sent_total", {
      help: "Snapshots that have reached a follower.",
      read: () => node.stats().network.snapshotsSent,
    }),
    counter("raft_snapshots_failed_total", {
      help: "Snapshots that were sent to a follower and did not reach it.",
      read: () => node.stats().network.snapshotsFailed,
    }),
    gauge("raft_snapshot_bytes", {
      help: "The size of the last snapshot that was made here.",
      read: () => node.status().snapshotBytes,
    }),
  ];
}
