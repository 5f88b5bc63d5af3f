// A group and its log: who leads, who follows how closely, what is proposed and read. What a member
// does for itself (disk, snapshots, network) is in raft-member-panels.ts.
import { of, rate, sum } from "./expressions.ts";
import { curve, type Panel, timeline } from "./panels.ts";

/** A gauge of each member. */
export const ofMember = (metric: string, matchers = ""): string =>
  `max by (job, name, member) (${of(metric, matchers)})`;

const distance = (ahead: string, behind: string): string =>
  `${ofMember(ahead)} - ${ofMember(behind)}`;

const followers = (metric: string, matchers = ""): string =>
  `max by (job, name, follower) (${of(metric, matchers)})`;

export const leadershipPanels: readonly Panel[] = [
  timeline(
    {
      title: "Members",
      description:
        "One bar for each. Without a leader for more than a few seconds: cut off, or the group has no majority. Who is not scraped has no bar.",
      queries: [
        [
          `${ofMember("raft_running")} + ${ofMember("raft_has_leader")} + ${ofMember("raft_is_leader")}`,
          "{{name}} {{member}} in {{job}}",
        ],
      ],
    },
    [
      ["stopped", "dark-red"],
      ["no leader", "red"],
      ["follows", "blue"],
      ["leads", "green"],
    ],
  ),
  curve({
    title: "New leaders, 15 min",
    description:
      "As the member that has seen most of them counts. Above the line: RaftLeaderFlapping.",
    queries: [
      [
        `max by (job, name) (increase(${of("raft_leader_changes_total")}[15m]))`,
        "{{name}} new leaders",
      ],
    ],
    alertAbove: 5,
  }),
  curve({
    title: "Elections",
    description:
      "Who stands for election, a second. One member alone, again and again: it does not hear the others.",
    queries: [[rate("raft_elections_started_total", ["member"]), "{{name}} {{member}}"]],
    unit: "none",
  }),
  curve({
    title: "Roles",
    description:
      "How many members have which. Candidates that stay are an election without an end.",
    queries: [[sum("raft_role", ["role"]), "{{name}} {{role}}"]],
    stacked: true,
  }),
  curve({
    title: "Term",
    description: "It rises with every election that was held. Who is cut off shows an old one.",
    queries: [[ofMember("raft_term"), "{{name}} {{member}}"]],
  }),
  curve({
    title: "Voters to spare",
    description: "How many more may be lost, in the last five minutes. RaftQuorumAtRisk at 0.",
    queries: [
      [`max by (job, name) (max_over_time(${of("raft_quorum_spare")}[5m]))`, "{{name}} may lose"],
    ],
  }),
  curve({
    title: "Group",
    description: "Voters and learners, as the member that knows most of them sees it.",
    queries: [[`max by (job, name, kind) (${of("raft_members")})`, "{{name}} {{kind}}s"]],
  }),
];

export const followerPanels: readonly Panel[] = [
  curve({
    title: "Lag",
    description:
      "Entries that the leader does not know a follower to have. Above the line for ten minutes: RaftFollowerLagging.",
    queries: [[followers("raft_follower_lag_entries"), "{{name}} {{follower}}"]],
    alertAbove: 5_000,
  }),
  curve({
    title: "Not streamed to",
    description:
      "1 while the leader probes where the logs agree, or sends a snapshot. It should pass.",
    queries: [
      [followers("raft_follower_state", 'state="probe"'), "{{name}} {{follower}} probe"],
      [followers("raft_follower_state", 'state="snapshot"'), "{{name}} {{follower}} snapshot"],
    ],
    max: 1,
  }),
  curve({
    title: "On their way",
    description: "Appends without an answer. At inflightMessagesMax the leader waits.",
    queries: [[followers("raft_follower_inflight"), "{{name}} {{follower}}"]],
  }),
  curve({
    title: "Heard of, 5 min",
    description: "0 for a follower that has said nothing for five minutes.",
    queries: [
      [
        `max by (job, name, follower) (max_over_time(${of("raft_follower_active")}[5m]))`,
        "{{name}} {{follower}}",
      ],
    ],
    max: 1,
  }),
];

export const logPanels: readonly Panel[] = [
  curve({
    title: "Applied",
    description: "Entries that each member gives to the application, a second.",
    queries: [[rate("raft_entries_applied_total", ["member"]), "{{name}} {{member}}"]],
    unit: "reqps",
  }),
  curve({
    title: "Behind the group",
    description: "Committed entries that a member has not applied, as far as anybody knows.",
    queries: [
      [
        `max by (job, name) (${of("raft_commit_index")}) - on (job, name) group_right () ${ofMember("raft_applied_index")}`,
        "{{name}} {{member}}",
      ],
    ],
  }),
  curve({
    title: "Not committed",
    description:
      "Entries of each log that are not known to be committed. At a leader that has lost its majority they pile up.",
    queries: [[distance("raft_last_index", "raft_commit_index"), "{{name}} {{member}}"]],
  }),
  curve({
    title: "Bytes not committed",
    description: "At the leader. Beyond its bound it refuses proposals.",
    queries: [[ofMember("raft_uncommitted_bytes"), "{{name}} {{member}}"]],
    unit: "bytes",
  }),
  curve({
    title: "Kept in memory",
    description: "Entries from the first to the last. It falls with each snapshot.",
    queries: [[distance("raft_last_index", "raft_first_index"), "{{name}} {{member}}"]],
  }),
  curve({
    title: "Since the last snapshot",
    description: "What a restart has to apply again. A ramp without an end: no snapshot is made.",
    queries: [[distance("raft_applied_index", "raft_snapshot_index"), "{{name}} {{member}}"]],
  }),
];

export const askedPanels: readonly Panel[] = [
  curve({
    title: "Proposals",
    description:
      "By how they ended. A superseded one did not happen, and is safe to repeat; one that timed out may have.",
    queries: [[rate("raft_proposals_total", ["outcome"]), "{{name}} {{outcome}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Proposals that failed, 5 min",
    description: "By the group's fault. Above the line: RaftProposalsFailing.",
    queries: [[of("job_name:raft_proposals_failed:ratio_rate5m"), "{{name}}"]],
    unit: "percentunit",
    alertAbove: 0.05,
  }),
  curve({
    title: "Proposals waiting",
    description: "At which member. At proposalsMax it says BUSY.",
    queries: [[ofMember("raft_proposals_waiting"), "{{name}} {{member}}"]],
  }),
  curve({
    title: "Bytes of proposals waiting",
    description: "At which member. At proposalBytesMax it says BUSY.",
    queries: [[ofMember("raft_proposals_waiting_bytes"), "{{name}} {{member}}"]],
    unit: "bytes",
  }),
  curve({
    title: "Reads",
    description: "By how they ended.",
    queries: [[rate("raft_reads_total", ["outcome"]), "{{name}} {{outcome}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Reads that failed, 5 min",
    description: "By the group's fault. Above the line: RaftReadsFailing.",
    queries: [[of("job_name:raft_reads_failed:ratio_rate5m"), "{{name}}"]],
    unit: "percentunit",
    alertAbove: 0.05,
  }),
  curve({
    title: "Reads waiting",
    description: "At which member.",
    queries: [[ofMember("raft_reads_waiting"), "{{name}} {{member}}"]],
  }),
  curve({
    title: "Reads per question",
    description: "One round of heartbeats confirms all that came before it: the busier, the more.",
    queries: [
      [`${rate("raft_reads_total")} / (${rate("raft_read_rounds_total")} > 0)`, "{{name}}"],
    ],
    unit: "none",
  }),
  curve({
    title: "Sessions",
    description: "That the group remembers. At sessionsMax the least used is forgotten.",
    queries: [[`max by (job, name) (${of("raft_sessions")})`, "{{name}}"]],
  }),
  curve({
    title: "Commands that came again",
    description: "And got the answer of the first time, at each member.",
    queries: [[rate("raft_session_repeats_total", ["member"]), "{{name}} {{member}}"]],
    unit: "reqps",
  }),
];
