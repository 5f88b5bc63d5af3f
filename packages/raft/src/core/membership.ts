// Changes of the group (Raft §6; thesis §4). A change is an entry, and takes effect on a node when
// that node applies it: later than in the paper, where appending is enough, and therefore guarded
// as etcd guards it.
//
//   One at a time    a change is proposed only once the one before it is applied by the leader.
//   Not in the dark  a new leader waits until it has applied all of earlier terms.
//   Not unawares     who has committed a change and not applied it does not campaign: it would
//                    count its votes by a configuration that is over. It does know: an append
//                    that holds one change says that the change before it is committed.
//   Not for ever     a leader leaves a joint configuration by itself if it is marked so, and tries
//                    again with every entry that it applies and after a transfer that has failed,
//                    as does the next leader.
import {
  type ConfChange,
  decodeConfChange,
  encodeConfChange,
  entersJoint,
  LEAVE_JOINT,
  leavesJoint,
} from "../confchange/change.ts";
import { enterJoint, leaveJoint, type Membership, simple } from "../confchange/changer.ts";
import type { ConfState } from "../confchange/conf-state.ts";
import { RaftError } from "../errors.ts";
import { isJoint, toConfState } from "../tracker/configuration.ts";
import { type Entry, NO_BYTES } from "./entry.ts";
import { NONE, type Refusal } from "./message.ts";
import { appendOwn, maybeCommit, refusesProposals } from "./proposals.ts";
import type { Raft } from "./raft.ts";
import { releaseEarlyReads } from "./reads.ts";
import { broadcastAppend, broadcastHeartbeat, sendAppend } from "./replication.ts";
import { becomeFollower } from "./roles.ts";

/** Appends proposals at the leader and sends them out. */
export function propose(raft: Raft, proposals: readonly Entry[]): Refusal | undefined {
  const refusal = refusesProposals(raft);
  if (refusal !== undefined) return refusal;
  // An unusable change becomes an empty entry: its proposer sees it come by without effect.
  let pending = raft.pendingConfIndex;
  let accepted: Entry[] | undefined;
  const last = raft.log.lastIndex();
  for (let offset = 0; offset < proposals.length; offset++) {
    const { type, data } = proposals[offset] as Entry;
    if (type === "normal") continue;
    if (mayChange(raft, data, pending)) {
      pending = last + offset + 1;
    } else {
      accepted ??= proposals.slice();
      accepted[offset] = { term: 0, index: 0, type: "normal", data: NO_BYTES };
    }
  }
  if (!appendOwn(raft, accepted ?? proposals)) return "uncommitted-bytes";
  raft.pendingConfIndex = pending;
  broadcastAppend(raft);
  return undefined;
}

function mayChange(raft: Raft, data: Uint8Array, pending: number): boolean {
  let change: ConfChange;
  try {
    change = decodeConfChange(data);
  } catch {
    return false; // It came over the network; whoever sent it has its own error.
  }
  if (raft.settings.disableConfChangeValidation) return true;
  const reason = whyNot(raft, change, pending);
  if (reason === undefined) return true;
  const { configuration } = raft.tracker;
  raft.settings.trace?.({ kind: "change-ignored", change, configuration, reason });
  return false;
}

function whyNot(raft: Raft, change: ConfChange, pending: number): string | undefined {
  const { tracker, log } = raft;
  if (pending > log.applied) {
    return `possible unapplied conf change at index ${pending} (applied to ${log.applied})`;
  }
  const joint = isJoint(tracker.configuration);
  const leaves = change.changes.length === 0;
  if (joint && !leaves) return "must transition out of joint config first";
  if (!joint && leaves) return "not in joint state; refusing empty conf change";
  try {
    // With one change in flight, the configuration that it will meet is the present one.
    workOut(raft, change);
  } catch (error) {
    if (error instanceof RaftError) return error.message;
    throw error;
  }
  return undefined;
}

function workOut({ tracker, log }: Raft, change: ConfChange): Membership {
  const last = log.lastIndex();
  if (leavesJoint(change)) return leaveJoint(tracker, last);
  if (!entersJoint(change)) return simple(tracker, last, change.changes);
  return enterJoint(tracker, last, change.transition !== "joint-explicit", change.changes);
}

/**
 * Takes a committed change into effect, as the application asks when it applies that entry. Throws
 * a RaftError "RAFT_CONF_CHANGE", and changes nothing, if none follows from it.
 */
export function applyConfChange(raft: Raft, change: ConfChange): ConfState {
  return switchMembership(raft, workOut(raft, change));
}

/** Adopts a membership, and does what a leader owes a new one. */
export function switchMembership(raft: Raft, { configuration, members }: Membership): ConfState {
  const { tracker, settings } = raft;
  tracker.switchTo(configuration, members);
  settings.trace?.({ kind: "configuration", configuration });
  const own = tracker.get(raft.id);
  raft.isLearner = own?.isLearner ?? false;
  const state = toConfState(configuration);
  if (raft.role !== "leader") return state;
  if (own === undefined || own.isLearner) {
    // Its followers go on without it. Until they do, it leads as before, and counts itself in no
    // majority; or it goes at once, where that is asked for.
    if (settings.stepDownOnRemoval) becomeFollower(raft, raft.term, NONE);
    return state;
  }
  if (maybeCommit(raft)) {
    // The majority got smaller, and what it lacked is not missing any more.
    releaseEarlyReads(raft, broadcastHeartbeat);
    broadcastAppend(raft);
  } else {
    // New members need not wait for the next heartbeat.
    for (const progress of members) {
      if (progress.id !== raft.id) sendAppend(raft, progress, false);
    }
  }
  const { incoming, outgoing } = configuration;
  const { transferee } = raft;
  if (!incoming.includes(transferee) && !outgoing.includes(transferee)) raft.transferee = NONE;
  return state;
}

/** Entries are applied up to that index; a leader may owe the group the end of a joint phase. */
export function appliedTo(raft: Raft, index: number, bytes: number): void {
  const applied = Math.max(index, raft.log.applied);
  raft.log.appliedTo(applied, bytes);
  leaveJointIfDue(raft);
}

/** Proposes the end of a joint phase, if this leader owes it to the group. */
export function leaveJointIfDue(raft: Raft): void {
  const { configuration } = raft.tracker;
  if (!configuration.autoLeave || raft.role !== "leader") return;
  if (raft.log.applied < raft.pendingConfIndex) return;
  const data = encodeConfChange(LEAVE_JOINT);
  const refused = propose(raft, [{ term: 0, index: 0, type: "conf-change", data }]);
  raft.settings.trace?.({ kind: "leaving-joint", configuration, refused });
}

/** Whether there is a committed change that this node has not applied. */
export function hasUnappliedChange(raft: Raft): boolean {
  return hasChange(raft, raft.log.applied, raft.log.committed);
}

/** Whether a change is with the application at this moment, neither ahead of it nor done. */
export function isApplyingChange(raft: Raft): boolean {
  return hasChange(raft, raft.log.applied, raft.log.applying);
}

function hasChange({ log, settings }: Raft, after: number, last: number): boolean {
  let low = after + 1;
  while (low <= last) {
    const entries = log.slice(low, last + 1, settings.applyingBytesMax);
    if (entries === undefined || entries.length === 0) return false; // A snapshot stands there.
    if (entries.some(({ type }) => type === "conf-change")) return true;
    low += entries.length;
  }
  return false;
}
