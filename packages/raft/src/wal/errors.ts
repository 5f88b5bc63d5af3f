// What a log can say when it cannot do what it was asked. Two families, and a caller must tell them
// apart: after WAL_FULL and WAL_BACKLOG the log is as it was, and may be asked again; after
// WAL_FAILED and WAL_CORRUPT it is not to be used any more, and the node must stop.

/** What went wrong, as a stable word. */
export type WalErrorCode =
  /** What is stored contradicts its checks, or is not all there. Nothing was changed. */
  | "WAL_CORRUPT"
  /** The files are of a version that this code does not know. Nothing was changed. */
  | "WAL_VERSION"
  /** No space for the next segment or snapshot. Nothing of what was asked is stored. */
  | "WAL_FULL"
  /** More is waiting for the disk than `pendingBytesMax` allows. */
  | "WAL_BACKLOG"
  /** The disk failed; what it holds of the last writes is unknown, so the log refuses for ever. */
  | "WAL_FAILED"
  /** The log is closed. */
  | "WAL_CLOSED";

/** A fault of the write-ahead log, with a stable `code`. */
export class WalError extends Error {
  /** What went wrong; the message says where. */
  readonly code: WalErrorCode;
  /** The file it was found in, if it was found in one. */
  readonly segment: string | undefined;
  /** Where in that file, in bytes. */
  readonly offset: number | undefined;

  constructor(
    code: WalErrorCode,
    message: string,
    place: { segment?: string; offset?: number; cause?: unknown } = {},
  ) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause });
    this.name = "WalError";
    this.code = code;
    this.segment = place.segment;
    this.offset = place.offset;
  }
}

/** What is stored at that place is not what was written. */
export function corrupt(why: string, segment: string, offset?: number): WalError {
  const at = offset === undefined ? "" : ` at ${offset}`;
  const place = offset === undefined ? { segment } : { segment, offset };
  return new WalError("WAL_CORRUPT", `"${segment}"${at}: ${why}`, place);
}

/** Whether the world said that there is no space. Its errors are told by their codes alone. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "DISK_FULL";
}
