// Writing as messages (etcd's asynchronous storage writes; thesis §10.2.1, "writing to the leader's
// disk in parallel"). What is to be made durable, and what is to be applied, leaves as a message to
// one of two threads, each of which works in order; their answers come back as messages. So the
// next append can be on its way before the last one is synced, and applying slows neither. A
// snapshot takes the way of the appends and may overtake entries that wait to be applied: the apply
// thread skips what the snapshot covers.
//
// The answer to an append names the last entry of the whole unstable log, and the term in which it
// was handed out. If the term has changed by the time it returns, entries may have been replaced by
// others of the same index, even by equal ones whose write is still under way, so the answer is
// dropped (step.ts). That is why every append names the end of the log, also one that only carries
// the new term: its answer stands in for those that were dropped.
import { type Entry, NO_BYTES } from "./entry.ts";
import {
  APPEND_THREAD,
  APPLY_THREAD,
  type HardState,
  type Message,
  message,
  type Snapshot,
} from "./message.ts";
import type { Raft } from "./raft.ts";

/** What the append thread is to make durable, and what may be said after that. */
export function storageAppend(
  raft: Raft,
  entries: readonly Entry[],
  hardState: HardState | undefined,
  snapshot: Snapshot | undefined,
): Message {
  const append = message("storage-append", APPEND_THREAD, raft.id, 0);
  append.entries = entries;
  if (hardState !== undefined) {
    append.term = hardState.term;
    append.vote = hardState.vote;
    append.commit = hardState.commit;
  }
  append.snapshot = snapshot;
  // The leader's own acknowledgement comes first: it reads terms, which are quickest to find while
  // the entries are still in memory.
  append.responses = needsAppendResponse(raft, snapshot)
    ? [...raft.messagesAfterAppend, storageAppendResponse(raft, snapshot)]
    : raft.messagesAfterAppend;
  return append;
}

/** Whether anything is being written that the core keeps in memory until it is. */
export function needsAppendResponse(raft: Raft, snapshot: Snapshot | undefined): boolean {
  return raft.log.unstable.entries.length > 0 || snapshot !== undefined;
}

/** Everything unstable so far is durable. */
export function storageAppendResponse(raft: Raft, snapshot: Snapshot | undefined): Message {
  const response = message("storage-append-response", raft.id, APPEND_THREAD, raft.term);
  if (raft.log.unstable.entries.length > 0) {
    response.index = raft.log.lastIndex();
    response.logTerm = raft.log.lastTerm();
  }
  response.snapshot = snapshot;
  return response;
}

/** What the apply thread is to apply. Committed entries belong to no term. */
export function storageApply(raft: Raft, entries: readonly Entry[]): Message {
  const apply = message("storage-apply", APPLY_THREAD, raft.id, 0);
  apply.entries = entries;
  apply.responses = [storageApplyResponse(raft, entries)];
  return apply;
}

/** Those entries are applied. */
export function storageApplyResponse(raft: Raft, entries: readonly Entry[]): Message {
  const response = message("storage-apply-response", raft.id, APPLY_THREAD, 0);
  response.entries = entries;
  return response;
}

/** A proposal as a message to whoever leads. */
export function proposal(raft: Raft, entries: readonly Entry[]): Message {
  const sent = message("propose", raft.id, raft.id, 0);
  sent.entries = entries;
  return sent;
}

/** An entry as its proposer knows it: no term and no index yet. */
export function proposed(type: Entry["type"], data: Uint8Array = NO_BYTES): Entry {
  return { term: 0, index: 0, type, data };
}
