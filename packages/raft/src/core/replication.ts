// A leader and its followers (Raft §5.3, §7; thesis §10.2.1 on pipelining). Where a follower's log
// ends is found by probing; then entries stream, many messages in flight, bounded in number and
// bytes. A follower that needs entries which are compacted away gets a snapshot instead.
//
// Commit indexes travel with appends; a heartbeat carries no more than the follower is known to
// have, because it is not checked against the follower's log.

import { isMember } from "../confchange/conf-state.ts";
import type { Progress } from "../tracker/progress.ts";
import { payloadBytes } from "./entry.ts";
import type { Message } from "./message.ts";
import { maybeCommit } from "./proposals.ts";
import type { Raft } from "./raft.ts";
import { confirmReads, releaseEarlyReads } from "./reads.ts";

/** An append to every member that may be sent to now, if only with a new commit index. */
export function broadcastAppend(raft: Raft): void {
  for (const progress of raft.tracker.members) {
    if (progress.id !== raft.id) sendAppend(raft, progress, true);
  }
}

/** Sends what a follower lacks, as much as flow control allows; false if nothing was sent. */
export function sendAppend(raft: Raft, progress: Progress, evenEmpty: boolean): boolean {
  if (progress.isPaused) return false;
  const previous = progress.next - 1;
  const logTerm = raft.log.term(previous);
  if (logTerm === undefined) return sendSnapshot(raft, progress);
  const append = raft.compose("append", progress.id);
  // A full window sends empty appends only. If all that filled it was lost, the answer to one of
  // these is what gets the follower going again.
  if (progress.state !== "replicate" || !progress.inflights.full) {
    const entries = raft.log.entries(progress.next, raft.settings.appendBytesMax);
    if (entries === undefined) return sendSnapshot(raft, progress);
    append.entries = entries;
  }
  const { entries } = append;
  if (entries.length === 0 && !evenEmpty) return false;
  append.index = previous;
  append.logTerm = logTerm;
  append.commit = raft.log.committed;
  raft.send(append);
  progress.sentEntries(entries.length, payloadBytes(entries));
  progress.sentCommit = raft.log.committed;
  return true;
}

function sendSnapshot(raft: Raft, progress: Progress): boolean {
  const { trace } = raft.settings;
  if (!progress.recentActive) {
    trace?.({ kind: "snapshot-withheld", progress, reason: "inactive" });
    return false;
  }
  const snapshot = raft.log.snapshot(progress.id);
  // A follower throws away what does not know it, and would be waited for in vain.
  if (snapshot === undefined || !isMember(snapshot.confState, progress.id)) {
    trace?.({ kind: "snapshot-withheld", progress, reason: "unavailable" });
    return false;
  }
  const firstIndex = raft.log.firstIndex();
  const { committed } = raft.log;
  trace?.({ kind: "snapshot-sending", progress, snapshot, firstIndex, committed });
  progress.becomeSnapshot(snapshot.index);
  trace?.({ kind: "replication-paused", progress });
  const install = raft.compose("snapshot", progress.id);
  install.snapshot = snapshot;
  raft.send(install);
  return true;
}

/** A heartbeat to every member, with the newest read that waits for a majority. */
export function broadcastHeartbeat(raft: Raft): void {
  const readRound = raft.reads.round;
  for (const progress of raft.tracker.members) {
    if (progress.id === raft.id) continue;
    const heartbeat = raft.compose("heartbeat", progress.id);
    heartbeat.commit = Math.min(progress.match, raft.log.committed);
    heartbeat.readRound = readRound;
    raft.send(heartbeat);
    progress.sentCommit = heartbeat.commit;
  }
}

/** A follower's answer to an append, or the leader's own word that its entries are durable. */
export function handleAppendResponse(raft: Raft, answer: Message, progress: Progress): void {
  progress.recentActive = true;
  if (answer.reject) handleRejection(raft, answer, progress);
  else handleAcknowledgement(raft, answer, progress);
}

function handleRejection(raft: Raft, answer: Message, progress: Progress): void {
  const { trace } = raft.settings;
  trace?.({ kind: "rejection", message: answer });
  // The follower said where its log ends, or which of its entries may agree. Of this leader's log,
  // everything after that with a later term cannot: skip it, one term per round trip at most.
  let hint = answer.rejectHint;
  if (answer.logTerm > 0) {
    hint = raft.log.findConflictByTerm(answer.rejectHint, answer.logTerm).index;
  }
  if (!progress.maybeDecrease(answer.index, hint)) return;
  trace?.({ kind: "progress-decreased", progress });
  if (progress.state === "replicate") progress.becomeProbe();
  sendAppend(raft, progress, true);
}

function handleAcknowledgement(raft: Raft, answer: Message, progress: Progress): void {
  // Nothing new, except to a probe: a follower that has everything must get out of that state.
  const { index } = answer;
  const isNews = progress.maybeUpdate(index);
  if (!isNews && !(progress.match === index && progress.state === "probe")) return;
  if (progress.state === "probe") {
    progress.becomeReplicate();
  } else if (progress.state === "replicate") {
    progress.inflights.freeUpTo(index);
  } else if (progress.match + 1 >= raft.log.firstIndex()) {
    // Whatever snapshot it was that it got: the log continues from there.
    raft.settings.trace?.({ kind: "snapshot-recovered", progress });
    progress.becomeProbe();
    progress.becomeReplicate();
  }
  const isOwn = progress.id === raft.id;
  if (maybeCommit(raft)) {
    releaseEarlyReads(raft, broadcastHeartbeat);
    broadcastAppend(raft);
  } else if (!isOwn && progress.canBumpCommit(raft.log.committed)) {
    sendAppend(raft, progress, true);
  }
  if (isOwn) return;
  // The window has room again: as many appends as fit.
  while (sendAppend(raft, progress, false)) {}
  if (progress.id === raft.transferee && progress.match === raft.log.lastIndex()) {
    raft.settings.trace?.({ kind: "transfer-sent", to: progress.id, immediately: false });
    raft.send(raft.compose("timeout-now", progress.id));
  }
}

/** A follower's answer to a heartbeat: it is there, so what was withheld may flow. */
export function handleHeartbeatResponse(raft: Raft, answer: Message, progress: Progress): void {
  progress.recentActive = true;
  progress.paused = false;
  if (progress.match < raft.log.lastIndex() || progress.state === "probe") {
    sendAppend(raft, progress, true);
  }
  if (answer.readRound > 0) confirmReads(raft, answer.from, answer.readRound);
}

/** Whether a snapshot got through, as the transport says. */
export function handleSnapshotStatus(raft: Raft, failed: boolean, progress: Progress): void {
  if (progress.state !== "snapshot") return;
  // Forgotten first, or a follower that has nothing is probed after a snapshot it never got.
  if (failed) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  raft.settings.trace?.({ kind: "snapshot-reported", progress, failed });
  // Sent: its own acknowledgement says more than a probe would. Failed: not again at once.
  progress.paused = true;
}

/** The transport could not deliver: much of what is in flight is probably lost. */
export function handleUnreachable(raft: Raft, progress: Progress): void {
  if (progress.state === "replicate") progress.becomeProbe();
  raft.settings.trace?.({ kind: "unreachable", progress });
}
