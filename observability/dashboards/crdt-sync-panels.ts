// Nodes of crdt-sync: whether their replicas are the same, who is linked, what is stable, and what
// all of it costs; and replicas that a process shows by themselves.
import { of, rate, sum } from "./expressions.ts";
import { curve, type Panel } from "./panels.ts";

const increase = (metric: string): string => `max by (job, name) (increase(${of(metric)}[15m]))`;

const quantile = (metric: string): string =>
  `histogram_quantile(0.99, ${rate(`${metric}_bucket`, ["le"])})`;

export const convergencePanels: readonly Panel[] = [
  curve({
    title: "Digest",
    description:
      "One number for all documents of a node. Regions that have the same documents, and are quiet, lie on one line; while people write they need not.",
    queries: [[`max by (job, name) (${of("crdt_sync_digest")})`, "{{name}}"]],
    unit: "none",
  }),
  curve({
    title: "Diverged, 15 min",
    description: "Digests of one version that did not agree. Above the line: CrdtSyncDiverged.",
    queries: [[increase("crdt_sync_digest_mismatches_total"), "{{name}}"]],
    alertAbove: 0,
  }),
  curve({
    title: "One name, two histories, 15 min",
    description: "Above the line: CrdtSyncIdReused.",
    queries: [[increase("crdt_sync_ids_reused_total"), "{{name}}"]],
    alertAbove: 0,
  }),
  curve({
    title: "Waiting",
    description: "Updates that wait for others. A link brings all that an update depends on.",
    queries: [[sum("crdt_sync_pending_updates"), "{{name}}"]],
  }),
  curve({
    title: "Merges",
    description: "Updates merged, a second.",
    queries: [[rate("crdt_sync_merges_total"), "{{name}}"]],
    unit: "reqps",
  }),
  curve({
    title: "Disk has failed",
    description: "1 from then on: edits are taken, and neither kept nor sent.",
    queries: [[`max by (job, name) (${of("crdt_sync_failed")})`, "{{name}}"]],
    max: 1,
  }),
];

export const linkPanels: readonly Panel[] = [
  curve({
    title: "Members linked",
    description: "And how many there are. At 0 a node is on its own.",
    queries: [
      [sum("crdt_sync_members_linked"), "{{name}} linked"],
      [sum("crdt_sync_members"), "{{name}} members"],
    ],
  }),
  curve({
    title: "Peers",
    description: "All links whose peer has said hello: members, devices, people.",
    queries: [[sum("crdt_sync_peers"), "{{name}}"]],
  }),
  curve({
    title: "Links broken, 15 min",
    description: "Above the line: CrdtSyncLinksBreaking.",
    queries: [[of("job_name:crdt_sync_links_broken:increase15m"), "{{name}}"]],
    alertAbove: 15,
  }),
  curve({
    title: "Links opened",
    description: "Or taken, a second. Gossip swaps one now and then.",
    queries: [[rate("crdt_sync_links_total"), "{{name}}"]],
    unit: "none",
  }),
  curve({
    title: "Messages",
    description: "A second, both ways. A turn's edits are one.",
    queries: [
      [rate("crdt_sync_messages_sent_total"), "{{name}} sent"],
      [rate("crdt_sync_messages_received_total"), "{{name}} received"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "Bytes",
    description: "A second, both ways.",
    queries: [
      [rate("crdt_sync_sent_bytes_total"), "{{name}} sent"],
      [rate("crdt_sync_received_bytes_total"), "{{name}} received"],
    ],
    unit: "bytes",
  }),
];

export const stabilityPanels: readonly Panel[] = [
  curve({
    title: "Not stable",
    description:
      "Operations that are not known to be at all members. A ramp: a member is away, and nothing can be let go.",
    queries: [[sum("crdt_sync_stable_lag_operations"), "{{name}}"]],
  }),
  curve({
    title: "Known, and stable",
    description: "Operations. The lower line follows the upper one, a check behind.",
    queries: [
      [sum("crdt_sync_operations"), "{{name}} known"],
      [sum("crdt_sync_stable_operations"), "{{name}} stable"],
    ],
  }),
  curve({
    title: "Present",
    description: "People and devices, in all documents, as each node sees it.",
    queries: [[sum("crdt_sync_presences"), "{{name}}"]],
  }),
];

export const costPanels: readonly Panel[] = [
  curve({
    title: "Taking in a message, p99, 5 min",
    description: "Nothing else runs meanwhile. Above the line: CrdtSyncMergesSlow.",
    queries: [[of("job_name:crdt_sync_merge_seconds:p99_rate5m"), "{{name}}"]],
    unit: "s",
    alertAbove: 0.1,
  }),
  curve({
    title: "Time spent on messages",
    description: "Of each second, how much.",
    queries: [[rate("crdt_sync_merge_seconds_sum"), "{{name}}"]],
    unit: "percentunit",
  }),
  curve({
    title: "Messages taken in",
    description: "A second, with whatever they held.",
    queries: [[rate("crdt_sync_merge_seconds_count"), "{{name}}"]],
    unit: "reqps",
  }),
  curve({
    title: "History in memory",
    description: "Of texts, lists and documents. It falls when what is stable is let go.",
    queries: [[sum("crdt_sync_history_bytes"), "{{name}}"]],
    unit: "bytes",
  }),
  curve({
    title: "Logs on disk",
    description: "A saw: each log is written anew when it is four times as long.",
    queries: [[sum("crdt_sync_log_bytes"), "{{name}}"]],
    unit: "bytes",
  }),
  curve({
    title: "Documents",
    description: "Open at each node.",
    queries: [[sum("crdt_sync_documents"), "{{name}}"]],
  }),
];

export const replicaPanels: readonly Panel[] = [
  curve({
    title: "Digest of a replica",
    description: "Replicas that know the same lie on one line.",
    queries: [[`max by (job, name) (${of("crdt_digest")})`, "{{name}}"]],
    unit: "none",
  }),
  curve({
    title: "Waiting at a replica",
    description: "Updates that wait for others. What stays was never sent, or was lost.",
    queries: [[sum("crdt_pending_updates"), "{{name}}"]],
  }),
  curve({
    title: "Merges of a replica",
    description: "By how they ended. What is refused was corrupt, of another type, or too old.",
    queries: [[rate("crdt_merges_total", ["outcome"]), "{{name}} {{outcome}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Merging, p99",
    description: "How long an update takes.",
    queries: [[quantile("crdt_merge_seconds"), "{{name}}"]],
    unit: "s",
  }),
  curve({
    title: "Merging, mean",
    description: "Over what was merged.",
    queries: [
      [`${rate("crdt_merge_seconds_sum")} / (${rate("crdt_merge_seconds_count")} > 0)`, "{{name}}"],
    ],
    unit: "s",
  }),
  curve({
    title: "History of a replica",
    description: "In memory, about.",
    queries: [[sum("crdt_history_bytes"), "{{name}}"]],
    unit: "bytes",
  }),
  curve({
    title: "Operations of a replica",
    description: "Known, and of these not known to be everywhere.",
    queries: [
      [sum("crdt_operations"), "{{name}} known"],
      [sum("crdt_stable_lag_operations"), "{{name}} not stable"],
    ],
  }),
];
