// etcd's log, line for line, from the events of a node. The core has no log: it says what it does,
// and how that is written down is somebody else's business, here that of etcd's transcripts.
import type { Configuration, Message, RaftEvent, Snapshot } from "@compendium/raft";
import { jointIds } from "../../src/quorum/joint.ts";
import { describeConfiguration } from "../../src/tracker/configuration.ts";
import { describeProgress, typeNames } from "./describe.ts";

/** The levels of etcd's log, quietest last. */
export const levels = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NONE"] as const;
export type Level = (typeof levels)[number];

/** Where a line goes. */
export type Write = (level: Level, line: string) => void;

/** A listener that writes what one node does. */
export function logLines(id: number, write: Write): (event: RaftEvent) => void {
  let configuration: Configuration | undefined;
  return (event) => {
    if (event.kind === "configuration") configuration = event.configuration;
    const peers = configuration === undefined ? [] : jointIds(configuration);
    const line = electionLine(id, event, peers) ?? otherLine(id, event);
    if (line !== undefined) write(line[0], line[1]);
  };
}

type Line = readonly [Level, string] | undefined;

const tipText = ({ term, index }: { term: number; index: number }): string =>
  `logterm: ${term}, index: ${index}`;

function judged(id: number, event: RaftEvent & { message: Message; vote: number }): string {
  const { message, vote } = event;
  const tip = "tip" in event ? tipText(event.tip) : "";
  const term = "term" in event ? event.term : 0;
  const candidate = `[logterm: ${message.logTerm}, index: ${message.index}] at term ${term}`;
  const verbs: Record<string, string> = {
    "vote-cast": `cast ${typeNames[message.type]} for`,
    "vote-rejected": `rejected ${typeNames[message.type]} from`,
    "vote-ignored": `ignored ${typeNames[message.type]} from`,
  };
  return `${id} [${tip}, vote: ${vote}] ${verbs[event.kind]} ${message.from} ${candidate}`;
}

function electionLine(id: number, event: RaftEvent, peers: readonly number[]): Line {
  switch (event.kind) {
    case "created": {
      const { term, committed, applied, tip } = event;
      const state = `term: ${term}, commit: ${committed}, applied: ${applied}`;
      const last = `lastindex: ${tip.index}, lastterm: ${tip.term}`;
      return ["INFO", `newRaft ${id} [peers: [${peers.join(",")}], ${state}, ${last}]`];
    }
    case "configuration":
      return [
        "INFO",
        `${id} switched to configuration ${describeConfiguration(event.configuration)}`,
      ];
    case "role":
      return ["INFO", `${id} became ${event.role} at term ${event.term}`];
    case "election-started":
      return ["INFO", `${id} is starting a new election at term ${event.term}`];
    case "election-ignored":
      return ignoredElection(id, event);
    case "vote-requested": {
      const request = `${typeNames[event.type]} request to ${event.to} at term ${event.term}`;
      return ["INFO", `${id} [${tipText(event.tip)}] sent ${request}`];
    }
    case "vote-received": {
      const no = event.granted ? "" : " rejection";
      const what = `${typeNames[event.type]}${no} from ${event.from} at term ${event.term}`;
      return ["INFO", `${id} received ${what}`];
    }
    case "votes-counted": {
      const votes = `${event.granted} ${typeNames[event.type]} votes`;
      return ["INFO", `${id} has received ${votes} and ${event.rejected} vote rejections`];
    }
    case "vote-cast":
    case "vote-rejected":
      return ["INFO", judged(id, event)];
    case "vote-ignored": {
      const ticks = `(remaining ticks: ${event.leaseTicks})`;
      return ["INFO", `${judged(id, event)}: lease is not expired ${ticks}`];
    }
    case "higher-term": {
      const { type, from, term } = event.message;
      const what = `a ${typeNames[type]} message with higher term from ${from} [term: ${term}]`;
      return ["INFO", `${id} [term: ${event.term}] received ${what}`];
    }
    case "lower-term":
      return ["INFO", lowerTerm(id, event.term, event.message)];
    case "quorum-lost":
      return ["WARN", `${id} stepped down to follower since quorum is not active`];
    case "leader-forgotten":
      return ["INFO", `${id} forgetting leader ${event.lead} at term ${event.term}`];
    case "forget-ignored":
      return ["ERROR", "ignoring MsgForgetLeader due to ReadOnlyLeaseBased"];
    default:
      return undefined;
  }
}

function ignoredElection(id: number, event: RaftEvent & { kind: "election-ignored" }): Line {
  switch (event.reason) {
    case "leader":
      return ["DEBUG", `${id} ignoring MsgHup because already leader`];
    case "unpromotable":
      return ["WARN", `${id} is unpromotable and can not campaign`];
    case "unapplied":
      return [
        "WARN",
        `${id} cannot campaign at term ${event.term} since there are still pending configuration changes to apply`,
      ];
  }
}

function lowerTerm(id: number, own: number, { type, from, term }: Message): string {
  const name = typeNames[type];
  if (type === "storage-append-response") {
    const what = `entry appends from a ${name} message with lower term [term: ${term}]`;
    return `${id} [term: ${own}] ignored ${what}`;
  }
  return `${id} [term: ${own}] ignored a ${name} message with lower term from ${from} [term: ${term}]`;
}

function otherLine(id: number, event: RaftEvent): Line {
  switch (event.kind) {
    case "transfer-started":
      return ["INFO", `${id} [term ${event.term}] starts to transfer leadership to ${event.to}`];
    case "transfer-sent":
      return ["INFO", sentTransfer(id, event.to, event.immediately)];
    case "transfer-received": {
      const what = `MsgTimeoutNow from ${event.from} and starts an election to get leadership.`;
      return ["INFO", `${id} [term ${event.term}] received ${what}`];
    }
    case "transfer-ignored":
      return ignoredTransfer(id, event);
    case "transfer-replaced": {
      const what = `abort previous transferring leadership to ${event.to}`;
      return ["INFO", `${id} [term ${event.term}] ${what}`];
    }
    case "proposal-dropped": {
      const { lead, term } = event;
      const why =
        event.reason === "no-leader"
          ? `no leader at term ${term}`
          : `not forwarding to leader ${lead} at term ${term}`;
      return ["INFO", `${id} ${why}; dropping proposal`];
    }
    case "proposal-refused": {
      if (event.reason === "transferring") return undefined;
      const what = "appending new entries to log would exceed uncommitted entry size limit";
      return ["WARN", `${id} ${what}; dropping proposal`];
    }
    case "read-dropped":
      return ["INFO", `${id} no leader at term ${event.term}; dropping index reading msg`];
    case "change-ignored": {
      const { transition, changes } = event.change;
      const transitions = {
        auto: "Auto",
        "joint-implicit": "JointImplicit",
        "joint-explicit": "JointExplicit",
      };
      const types = {
        "add-voter": "AddNode",
        "add-learner": "AddLearnerNode",
        remove: "RemoveNode",
        update: "UpdateNode",
      };
      const steps = changes.map(
        (each) => ` changes:{type:ConfChange${types[each.type]} node_id:${each.id}}`,
      );
      const change = `transition:ConfChangeTransition${transitions[transition]}${steps.join("")}`;
      const at = describeConfiguration(event.configuration);
      return ["INFO", `${id} ignoring conf change ${change} at config ${at}: ${event.reason}`];
    }
    case "leaving-joint": {
      const what = `initiating automatic transition out of joint configuration ${describeConfiguration(event.configuration)}`;
      if (event.refused === undefined) return ["INFO", what];
      return ["DEBUG", `not ${what}: raft proposal dropped`];
    }
    default:
      return replicationLine(id, event);
  }
}

function sentTransfer(id: number, to: number, immediately: boolean): string {
  return immediately
    ? `${id} sends MsgTimeoutNow to ${to} immediately as ${to} already has up-to-date log`
    : `${id} sent MsgTimeoutNow to ${to} after received MsgAppResp`;
}

function ignoredTransfer(id: number, event: RaftEvent & { kind: "transfer-ignored" }): Line {
  const { to, term } = event;
  switch (event.reason) {
    case "learner":
      return ["DEBUG", `${id} is learner. Ignored transferring leadership`];
    case "self":
      return ["DEBUG", `${id} is already leader. Ignored transferring leadership to self`];
    case "in-progress":
      return [
        "INFO",
        `${id} [term ${term}] transfer leadership to ${to} is in progress, ignores request to same node ${to}`,
      ];
    case "no-leader":
      return ["INFO", `${id} no leader at term ${term}; dropping leader transfer msg`];
    case "campaigning":
      return [
        "DEBUG",
        `${id} [term ${term} state StateCandidate] ignored MsgTimeoutNow from ${to}`,
      ];
  }
}

const snapshotText = ({ index, term }: Snapshot): string =>
  `snapshot [index: ${index}, term: ${term}]`;

function replicationLine(id: number, event: RaftEvent): Line {
  switch (event.kind) {
    case "append-rejected": {
      const { index, logTerm, from } = event.message;
      const own = `[logterm: ${event.logTerm}, index: ${index}]`;
      const sent = `[logterm: ${logTerm}, index: ${index}]`;
      return ["DEBUG", `${id} ${own} rejected MsgApp ${sent} from ${from}`];
    }
    case "rejection": {
      const { rejectHint, logTerm, from, index } = event.message;
      const hint = `hint: (index ${rejectHint}, term ${logTerm})`;
      return [
        "DEBUG",
        `${id} received MsgAppResp(rejected, ${hint}) from ${from} for index ${index}`,
      ];
    }
    case "progress-decreased": {
      const { progress } = event;
      const now = describeProgress(progress);
      return ["DEBUG", `${id} decreased progress of ${progress.id} to [${now}]`];
    }
    case "no-progress":
      return ["DEBUG", `${id} no progress available for ${event.from}`];
    case "unreachable": {
      const to = `${event.progress.id} because it is unreachable`;
      return [
        "DEBUG",
        `${id} failed to send message to ${to} [${describeProgress(event.progress)}]`,
      ];
    }
    case "replication-paused": {
      const now = describeProgress(event.progress);
      return [
        "DEBUG",
        `${id} paused sending replication messages to ${event.progress.id} [${now}]`,
      ];
    }
    default:
      return snapshotLine(id, event) ?? logLine(event);
  }
}

function snapshotLine(id: number, event: RaftEvent): Line {
  switch (event.kind) {
    case "snapshot-withheld": {
      const to = event.progress.id;
      if (event.reason === "inactive") {
        return ["DEBUG", `ignore sending snapshot to ${to} since it is not recently active`];
      }
      const why = "because snapshot is temporarily unavailable";
      return ["DEBUG", `${id} failed to send snapshot to ${to} ${why}`];
    }
    case "snapshot-sending": {
      const { progress, snapshot, firstIndex, committed } = event;
      const own = `[firstindex: ${firstIndex}, commit: ${committed}]`;
      const sent = `snapshot[index: ${snapshot.index}, term: ${snapshot.term}]`;
      return [
        "DEBUG",
        `${id} ${own} sent ${sent} to ${progress.id} [${describeProgress(progress)}]`,
      ];
    }
    case "snapshot-recovered":
    case "snapshot-reported": {
      const { progress } = event;
      let what = "recovered from needing snapshot";
      if (event.kind === "snapshot-reported") {
        what = event.failed ? "snapshot failed" : "snapshot succeeded";
      }
      const resumed = `resumed sending replication messages to ${progress.id}`;
      return ["DEBUG", `${id} ${what}, ${resumed} [${describeProgress(progress)}]`];
    }
    case "restore-started": {
      const { committed, applied, applying, unstable } = event.log;
      const { offset, offsetInProgress, entries } = unstable;
      const log = `committed=${committed}, applied=${applied}, applying=${applying}, unstable.offset=${offset}, unstable.offsetInProgress=${offsetInProgress}, len(unstable.Entries)=${entries.length}`;
      return ["INFO", `log [${log}] starts to restore ${snapshotText(event.snapshot)}`];
    }
    case "restored":
    case "fast-forwarded": {
      const { committed, tip, snapshot } = event;
      const own = `[commit: ${committed}, lastindex: ${tip.index}, lastterm: ${tip.term}]`;
      const verb = event.kind === "restored" ? "restored" : "fast-forwarded commit to";
      return ["INFO", `${id} ${own} ${verb} ${snapshotText(snapshot)}`];
    }
    case "snapshot-handled": {
      const verb = event.restored ? "restored" : "ignored";
      return ["INFO", `${id} [commit: ${event.committed}] ${verb} ${snapshotText(event.snapshot)}`];
    }
    case "snapshot-refused": {
      // etcd takes it; no transcript comes here.
      if (event.reason === "applying-change") return undefined;
      const why =
        event.reason === "not-a-follower"
          ? "as leader"
          : `but it is not in the ConfState ${JSON.stringify(event.snapshot.confState)}`;
      return ["WARN", `${id} attempted to restore snapshot ${why}; should never happen`];
    }
    default:
      return undefined;
  }
}

function logLine(event: RaftEvent): Line {
  switch (event.kind) {
    case "conflict": {
      const { index, present, term } = event;
      const terms = `[existing term: ${present}, conflicting term: ${term}]`;
      return ["INFO", `found conflict at index ${index} ${terms}`];
    }
    case "unstable-replaced":
      return ["INFO", `replace the unstable entries from index ${event.index}`];
    case "unstable-truncated":
      return ["INFO", `truncate the unstable entries before index ${event.index}`];
    case "stable-missing": {
      const what = event.snapshot ? "matched unstable snapshot" : "missing from unstable log";
      return ["INFO", `entry at index ${event.index} ${what}; ignoring`];
    }
    case "stable-mismatch": {
      const { index, term, present } = event;
      const unstable = `entry at (${index},${present}) in unstable log`;
      return [
        "INFO",
        `entry at (index,term)=(${index},${term}) mismatched with ${unstable}; ignoring`,
      ];
    }
    default:
      return undefined;
  }
}
