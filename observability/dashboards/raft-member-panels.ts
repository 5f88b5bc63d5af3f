// What each member of a Raft group does for itself: its disk, its snapshots, its links.
import { of, rate, sum } from "./expressions.ts";
import { curve, type Panel } from "./panels.ts";
import { ofMember } from "./raft-panels.ts";

const SYNC = "raft_wal_sync_seconds";

export const diskPanels: readonly Panel[] = [
  curve({
    title: "Time of a sync, p99 of 5 min",
    description:
      "Write and sync of a batch; every proposal waits for a majority of them. Above the line: RaftDiskSlow.",
    queries: [
      [of("job_instance_name_member:raft_wal_sync_seconds:p99_rate5m"), "{{name}} {{member}}"],
    ],
    unit: "s",
    alertAbove: 0.1,
  }),
  curve({
    title: "Time of a sync",
    description: "Median and mean. Far apart: a few of them wait behind something.",
    queries: [
      [
        `histogram_quantile(0.5, ${rate(`${SYNC}_bucket`, ["member", "le"])})`,
        "{{name}} {{member}} p50",
      ],
      [
        `${rate(`${SYNC}_sum`, ["member"])} / (${rate(`${SYNC}_count`, ["member"])} > 0)`,
        "{{name}} {{member}} mean",
      ],
    ],
    unit: "s",
  }),
  curve({
    title: "Entries per sync",
    description: "What came during one sync is the next batch: the busier, the more.",
    queries: [
      [
        `${rate("raft_wal_entries_total", ["member"])} / (${rate(`${SYNC}_count`, ["member"])} > 0)`,
        "{{name}} {{member}}",
      ],
    ],
    unit: "none",
  }),
  curve({
    title: "Written",
    description: "Bytes of the log, a second.",
    queries: [[rate("raft_wal_written_bytes_total", ["member"]), "{{name}} {{member}}"]],
    unit: "bytes",
  }),
  curve({
    title: "Waiting for the disk",
    description: "Bytes. What the disk does not take, a follower's answer waits for.",
    queries: [[ofMember("raft_wal_pending_bytes"), "{{name}} {{member}}"]],
    unit: "bytes",
  }),
  curve({
    title: "Written on the event loop",
    description: "Batches whose sync was waited for in place, because the disk is quick.",
    queries: [[rate("raft_wal_inline_syncs_total", ["member"]), "{{name}} {{member}}"]],
    unit: "reqps",
  }),
  curve({
    title: "Longest wait on the event loop",
    description: "The slowest of those: for so long the whole process stood still.",
    queries: [[ofMember("raft_wal_inline_sync_seconds_max"), "{{name}} {{member}}"]],
    unit: "s",
  }),
  curve({
    title: "Refused by the disk",
    description: "Writes for which there was no room, and those tried again.",
    queries: [
      [rate("raft_wal_backlog_refused_total", ["member"]), "{{name}} {{member}} too many wait"],
      [rate("raft_wal_retries_total", ["member"]), "{{name}} {{member}} tried again"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "Stalled or failed",
    description:
      "1 where the member does not lead or vote because its disk does not write: RaftDiskStalled, RaftDiskFailed.",
    queries: [
      [ofMember("raft_disk_stalled"), "{{name}} {{member}} stalled"],
      [ofMember("raft_wal_failed"), "{{name}} {{member}} failed"],
    ],
    max: 1,
  }),
  curve({
    title: "Stalls",
    description: "How often a disk has stalled, a second: also those that are over at a scrape.",
    queries: [[rate("raft_disk_stalls_total", ["member"]), "{{name}} {{member}}"]],
    unit: "none",
  }),
  curve({
    title: "Segments",
    description: "Files of the log. They go when a snapshot covers them.",
    queries: [[ofMember("raft_wal_segments"), "{{name}} {{member}}"]],
  }),
];

export const snapshotPanels: readonly Panel[] = [
  curve({
    title: "Snapshots",
    description:
      "Made is routine. Sent and installed: a follower was away for longer than the log is kept.",
    queries: [
      [rate("raft_snapshots_made_total"), "{{name}} made"],
      [rate("raft_snapshots_sent_total"), "{{name}} sent"],
      [rate("raft_snapshots_installed_total"), "{{name}} installed"],
    ],
    unit: "none",
  }),
  curve({
    title: "Snapshots that failed, 15 min",
    description: "To be made or to be sent. Above the line: RaftSnapshotsFailing.",
    queries: [[of("job_name:raft_snapshots_failed:increase15m"), "{{name}}"]],
    alertAbove: 2,
  }),
  curve({
    title: "Size of a snapshot",
    description: "The last that each member has made. It is encoded in one turn.",
    queries: [[ofMember("raft_snapshot_bytes"), "{{name}} {{member}}"]],
    unit: "bytes",
  }),
];

export const networkPanels: readonly Panel[] = [
  curve({
    title: "Messages",
    description: "Between the members, a second.",
    queries: [
      [rate("raft_network_messages_sent_total"), "{{name}} sent"],
      [rate("raft_network_messages_received_total"), "{{name}} received"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "Messages dropped",
    description: "For want of a link or of room. Raft sends them again.",
    queries: [[rate("raft_network_messages_dropped_total", ["member"]), "{{name}} {{member}}"]],
    unit: "reqps",
  }),
  curve({
    title: "Bytes",
    description: "What each member sends and receives, a second. The leader sends most.",
    queries: [
      [rate("raft_network_sent_bytes_total", ["member"]), "{{name}} {{member}} sent"],
      [rate("raft_network_received_bytes_total", ["member"]), "{{name}} {{member}} received"],
    ],
    unit: "bytes",
  }),
  curve({
    title: "Links",
    description: "Open now: one fewer than the group has members.",
    queries: [[sum("raft_network_links", ["member"]), "{{name}} {{member}}"]],
  }),
  curve({
    title: "Links opened",
    description: "Again and again: something closes them.",
    queries: [[rate("raft_network_links_opened_total", ["member"]), "{{name}} {{member}}"]],
    unit: "none",
  }),
];
