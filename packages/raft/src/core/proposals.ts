// A leader's own log (Raft §5.3): it appends, never overwrites, and counts its own copy of an entry
// only once that copy is durable. The acknowledgement of its own append therefore takes the same
// way as a follower's, as a message to itself that waits for the disk.
import { type Entry, payloadBytes } from "./entry.ts";
import { NONE, type Refusal } from "./message.ts";
import type { Raft } from "./raft.ts";

/** Appends proposals in the leader's term; false if that would exceed the bound on their bytes. */
export function appendOwn(raft: Raft, proposals: readonly Entry[]): boolean {
  if (!reserve(raft, payloadBytes(proposals))) return false;
  const { term } = raft;
  let index = raft.log.lastIndex();
  const entries: Entry[] = [];
  for (const { type, data } of proposals) entries.push({ term, index: ++index, type, data });
  raft.log.append(entries);
  const acknowledgement = raft.compose("append-response", raft.id);
  acknowledgement.index = index;
  raft.send(acknowledgement);
  return true;
}

// A proposal larger than the bound is taken if nothing waits: else it could never be. Entries
// without data are taken always: a leader's first entry, and the way out of a joint configuration.
function reserve(raft: Raft, bytes: number): boolean {
  const waiting = raft.uncommittedBytes;
  if (waiting > 0 && bytes > 0 && waiting + bytes > raft.settings.uncommittedBytesMax) {
    raft.settings.trace?.({
      kind: "proposal-refused",
      reason: "uncommitted-bytes",
      term: raft.term,
    });
    return false;
  }
  raft.uncommittedBytes += bytes;
  return true;
}

/** Gives the bytes of applied proposals back. What an earlier leader proposed was never counted. */
export function release(raft: Raft, bytes: number): void {
  raft.uncommittedBytes = Math.max(0, raft.uncommittedBytes - bytes);
}

/** Commits what a majority holds, as far as it is of this term; true if that went further. */
export function maybeCommit(raft: Raft): boolean {
  return raft.log.maybeCommit(raft.tracker.committed(), raft.term);
}

/** Whether the leader has committed an entry of its own term, and so knows what is committed. */
export function committedInTerm(raft: Raft): boolean {
  return raft.log.term(raft.log.committed) === raft.term;
}

/** Why this leader takes no proposal now, if it does not. */
export function refusesProposals(raft: Raft): Refusal | undefined {
  if (raft.tracker.get(raft.id) === undefined) return "not-a-member";
  if (raft.transferee === NONE) return undefined;
  raft.settings.trace?.({ kind: "proposal-refused", reason: "transferring", term: raft.term });
  return "transferring";
}
