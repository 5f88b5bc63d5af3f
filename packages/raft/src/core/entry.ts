// An entry of the replicated log (Raft §5.3): a command, the term in which a leader received it,
// and its position. (index, term) names an entry for ever: one leader per term, and a leader never
// puts two entries in one place. Entries are never altered once appended, so they are shared, not
// copied, by log, messages and storage.

/** What an entry carries: a command of the application, or a change of the membership. */
export type EntryType = "normal" | "conf-change";

/** One entry of the log. */
export interface Entry {
  /** The term of the leader that appended it first; 0 in a proposal. */
  readonly term: number;
  /** Its position in the log, from 1; 0 in a proposal. */
  readonly index: number;
  /** Whether `data` is the application's, or an encoded change of the membership. */
  readonly type: EntryType;
  /** The command. Empty in the entry by which a leader opens its term. */
  readonly data: Uint8Array;
}

/** No bytes at all; shared, because it cannot be written to. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** What an entry costs beside its data: term, index and type, as they are counted in limits. */
export const ENTRY_OVERHEAD_BYTES = 16;

/** The size of an entry as limits on messages and on applying count it, in bytes. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES;
}

/** The size of some entries as limits on messages and on applying count it, in bytes. */
export function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length + ENTRY_OVERHEAD_BYTES;
  return bytes;
}

/** The bytes that proposers sent; an empty entry weighs nothing, and is never refused. */
export function payloadBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length;
  return bytes;
}

/**
 * The longest prefix within `bytesMax`, but at least one entry: an entry larger than the limit must
 * still get through, or everything behind it would wait for ever.
 */
export function limitBytes(entries: Entry[], bytesMax: number): Entry[] {
  if (bytesMax === Number.POSITIVE_INFINITY || entries.length < 2) return entries;
  let bytes = 0;
  for (let count = 0; count < entries.length; count++) {
    bytes += entryBytes(entries[count] as Entry);
    if (bytes > bytesMax && count > 0) return entries.slice(0, count);
  }
  return entries;
}
