// A follower and its leader (Raft §5.3, §7). A follower believes whoever leads its term: it checks
// that the entry before an append agrees, and takes the rest. What it acknowledges it must have on
// disk, so every answer here waits for the storage (see `Raft.send`).

import { isMember } from "../confchange/conf-state.ts";
import { restoreMembership } from "../confchange/restore.ts";
import { isApplyingChange, switchMembership } from "./membership.ts";
import type { Message } from "./message.ts";
import { NONE } from "./message.ts";
import type { Raft } from "./raft.ts";
import { becomeFollower } from "./roles.ts";

/** Takes a leader's entries, or says where the logs may agree. */
export function handleAppend(raft: Raft, append: Message): void {
  const { log } = raft;
  const answer = raft.compose("append-response", append.from);
  if (append.index < log.committed) {
    // An old message. What is committed agrees with every leader from now on.
    answer.index = log.committed;
    raft.send(answer);
    return;
  }
  const last = log.maybeAppend(append.index, append.logTerm, append.entries, append.commit);
  if (last !== undefined) {
    answer.index = last;
    raft.send(answer);
    return;
  }
  const logTerm = log.term(append.index) ?? 0;
  raft.settings.trace?.({ kind: "append-rejected", message: append, logTerm });
  // The leader's log has no later term than the append's before it: what this log has of later
  // terms cannot agree, and need not be probed.
  const end = Math.min(append.index, log.lastIndex());
  const hint = log.findConflictByTerm(end, append.logTerm);
  answer.index = append.index;
  answer.reject = true;
  answer.rejectHint = hint.index;
  answer.logTerm = hint.term;
  raft.send(answer);
}

/** Commits what the leader knows this node to have, and says that it is there. */
export function handleHeartbeat(raft: Raft, heartbeat: Message): void {
  raft.log.commitTo(heartbeat.commit);
  const answer = raft.compose("heartbeat-response", heartbeat.from);
  answer.readRound = heartbeat.readRound;
  raft.send(answer);
}

/** Replaces the log by a snapshot, if that is ahead of it. */
export function handleSnapshot(raft: Raft, install: Message): void {
  const { snapshot } = install;
  const answer = raft.compose("append-response", install.from);
  if (snapshot === undefined) {
    answer.index = raft.log.committed;
    raft.send(answer);
    return;
  }
  const restored = restore(raft, install);
  const { committed } = raft.log;
  raft.settings.trace?.({ kind: "snapshot-handled", restored, committed, snapshot });
  answer.index = restored ? raft.log.lastIndex() : committed;
  raft.send(answer);
}

function restore(raft: Raft, { snapshot }: Message): boolean {
  if (snapshot === undefined || snapshot.index <= raft.log.committed) return false;
  const { trace } = raft.settings;
  if (raft.role !== "follower") {
    trace?.({ kind: "snapshot-refused", reason: "not-a-follower", snapshot });
    becomeFollower(raft, raft.term + 1, NONE);
    return false;
  }
  if (!isMember(snapshot.confState, raft.id)) {
    trace?.({ kind: "snapshot-refused", reason: "not-a-member", snapshot });
    return false;
  }
  // The log has that entry: nothing is to be replaced, only committed. Throwing the log away would
  // withdraw what was acknowledged after it.
  if (raft.log.matches(snapshot.index, snapshot.term)) {
    const { committed } = raft.log;
    trace?.({ kind: "fast-forwarded", committed, tip: raft.tip, snapshot });
    raft.log.commitTo(snapshot.index);
    return false;
  }
  // The change would be made to the snapshot's membership, which may have gone far beyond it. The
  // leader sends the snapshot again.
  if (isApplyingChange(raft)) {
    trace?.({ kind: "snapshot-refused", reason: "applying-change", snapshot });
    return false;
  }
  const membership = restoreMembership(raft.tracker, snapshot.index, snapshot.confState);
  raft.log.restore(snapshot);
  switchMembership(raft, membership);
  const { committed } = raft.log;
  trace?.({ kind: "restored", committed, tip: raft.tip, snapshot });
  return true;
}
