// Who leads, who is in the group, and how far the log is: what a member is and knows.
import type { Family } from "@compendium/metrics";
import type { Role } from "../core/message.ts";
import type { NodeStatus } from "../node/status.ts";
import { counter, gauge } from "./families.ts";
import type { MeasurableNode } from "./register.ts";

const ROLES: readonly Role[] = ["follower", "pre-candidate", "candidate", "leader"];

/** The families of a member's state. */
export function stateFamilies(node: MeasurableNode): Family[] {
  return [...leadershipFamilies(node), ...groupFamilies(node), ...logFamilies(node)];
}

function leadershipFamilies(node: MeasurableNode): Family[] {
  return [
    gauge("raft_running", {
      help: "1 while the member runs, 0 once it was closed or has failed.",
      read: () => Number(!node.status().hasEnded),
    }),
    gauge("raft_term", {
      help: "The term that the member is in.",
      read: () => node.status().term,
    }),
    {
      name: "raft_role",
      type: "gauge",
      help: "1 for the role that the member has, 0 for the others.",
      labels: { role: ROLES },
      collect: (emit) => {
        const { role, hasEnded } = node.status();
        for (const each of ROLES) emit(Number(each === role && !hasEnded), { role: each });
      },
    },
    gauge("raft_is_leader", {
      help: "1 where the member leads, else 0.",
      read: () => Number(leads(node.status())),
    }),
    gauge("raft_has_leader", {
      help: "1 where the member knows of a leader, itself included, else 0.",
      read: () => {
        const { lead, hasEnded } = node.status();
        return Number(lead !== 0 && !hasEnded);
      },
    }),
    counter("raft_leader_changes_total", {
      help: "How often the member has learned of a new leader.",
      read: () => node.stats().leaderChanges,
    }),
    counter("raft_elections_started_total", {
      help: "How often the member has stood for election, asking in advance included.",
      read: () => node.stats().elections,
    }),
  ];
}

function groupFamilies(node: MeasurableNode): Family[] {
  return [
    {
      name: "raft_members",
      type: "gauge",
      help: "Members of the group, by whether they vote.",
      labels: { kind: ["voter", "learner"] },
      collect: (emit) => {
        const { incoming, outgoing, learners } = node.status().configuration;
        emit(new Set([...incoming, ...outgoing]).size, { kind: "voter" });
        emit(learners.length, { kind: "learner" });
      },
    },
    gauge("raft_quorum_spare", {
      help: "At the leader: how many more voters may be lost before it stops to lead.",
      read: () => spareVoters(node.status()),
    }),
    gauge("raft_sessions", {
      help: "Sessions that the group remembers.",
      read: () => node.status().sessions,
    }),
  ];
}

function logFamilies(node: MeasurableNode): Family[] {
  return [
    gauge("raft_first_index", {
      help: "The first entry that is kept in memory, for followers that lag.",
      read: () => node.status().firstIndex,
    }),
    gauge("raft_last_index", {
      help: "The last entry of the log, durable or not.",
      read: () => node.status().lastIndex,
    }),
    gauge("raft_commit_index", {
      help: "The last entry that is known to be committed.",
      read: () => node.status().committed,
    }),
    gauge("raft_applied_index", {
      help: "The last entry that the application was given.",
      read: () => node.status().applied,
    }),
    gauge("raft_snapshot_index", {
      help: "The last entry that the newest snapshot covers.",
      read: () => node.status().snapshotIndex,
    }),
    gauge("raft_uncommitted_bytes", {
      help: "At the leader: bytes of entries that are not committed yet.",
      read: () => {
        const status = node.status();
        return leads(status) ? status.uncommittedBytes : undefined;
      },
    }),
    counter("raft_entries_applied_total", {
      help: "Committed entries that were applied, whoever proposed them.",
      read: () => node.stats().committed,
    }),
  ];
}

/** Whether the member leads, and still lives. */
export function leads({ role, hasEnded }: NodeStatus): boolean {
  return role === "leader" && !hasEnded;
}

// In a joint configuration both majorities are needed, and the scarcer one counts. The leader asks
// once an election timeout who was heard of: just then it has heard of nobody else. So this falls
// for a moment, and a rule looks at the most of a few scrapes.
function spareVoters(status: NodeStatus): number | undefined {
  if (!leads(status)) return undefined;
  const { id, members, configuration } = status;
  const active = new Set(members.filter((each) => each.recentActive).map((each) => each.id));
  active.add(id);
  const halves = [configuration.incoming, configuration.outgoing].filter(
    ({ length }) => length > 0,
  );
  const spares = halves.map((half) => {
    const majority = Math.floor(half.length / 2) + 1;
    return half.filter((voter) => active.has(voter)).length - majority;
  });
  return Math.min(...spares);
}
