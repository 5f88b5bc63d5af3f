// What a peer, a disk or a replica can do wrong. Whatever the code, no document has changed.

/**
 * What went wrong, as a stable word.
 *
 * - `SYNC_CORRUPT`: bytes that contradict their check, end too early, or are in no valid form.
 * - `SYNC_VERSION`: bytes of a version that this code does not know.
 * - `SYNC_TOO_LARGE`: a message, an update or a list above its limit.
 * - `SYNC_PROTOCOL`: a message that is valid, and does not belong where it came.
 * - `SYNC_SELF`: a link that leads back to the node that has opened it.
 * - `SYNC_SILENT`: nothing was heard for too long.
 * - `SYNC_ID_REUSED`: one replica's name stands for two histories.
 * - `SYNC_KIND`: two documents of one name are of different types.
 * - `SYNC_REFUSED`: the replica did not take an update; `cause` says why.
 * - `SYNC_STORE`: the disk failed, and nothing is sent any more.
 * - `SYNC_LOG_CORRUPT`: a file is damaged in the middle, where no crash does it.
 * - `SYNC_DENIED`: who connects may not come in, or may not have that document.
 */
export type CrdtSyncErrorCode =
  | "SYNC_CORRUPT"
  | "SYNC_VERSION"
  | "SYNC_TOO_LARGE"
  | "SYNC_PROTOCOL"
  | "SYNC_SELF"
  | "SYNC_SILENT"
  | "SYNC_ID_REUSED"
  | "SYNC_KIND"
  | "SYNC_REFUSED"
  | "SYNC_STORE"
  | "SYNC_LOG_CORRUPT"
  | "SYNC_DENIED";

/** The codes, in the order of their numbers on the wire: never to be changed, only added to. */
export const CODES: readonly CrdtSyncErrorCode[] = [
  "SYNC_CORRUPT",
  "SYNC_VERSION",
  "SYNC_TOO_LARGE",
  "SYNC_PROTOCOL",
  "SYNC_SELF",
  "SYNC_SILENT",
  "SYNC_ID_REUSED",
  "SYNC_KIND",
  "SYNC_REFUSED",
  "SYNC_STORE",
  "SYNC_LOG_CORRUPT",
  "SYNC_DENIED",
];

/** A fault of this package, with a stable `code`. */
export class CrdtSyncError extends Error {
  override readonly name = "CrdtSyncError";
  /** What went wrong; the message says where. */
  readonly code: CrdtSyncErrorCode;

  constructor(code: CrdtSyncErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
