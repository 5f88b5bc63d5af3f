// One error for everything that the world refuses: a file that is not there, a disk that is full,
// a peer that is gone. Callers decide by `code`, which is stable; the message is for people and
// the `cause` is what the platform said. A simulated world throws the same codes, so that code
// which was tested against one meets nothing new in the other.
//
// Not in here: misuse (RangeError, TypeError), an abort (the signal's reason), and outcomes that
// are expected (a full queue is a value, see transport.ts).

/**
 * What went wrong.
 *
 * - `FILE_NOT_FOUND`: no such file or folder.
 * - `FILE_EXISTS`: it was to be created, and is there.
 * - `FILE_KIND`: a folder where a file was expected, or the reverse; or a folder that is not empty.
 * - `FILE_CLOSED`: the handle has been closed.
 * - `FILE_SYNC_FAILED`: an earlier sync of this handle failed: what it holds is unknown, for ever.
 * - `DISK_FULL`: no space, or over quota.
 * - `DISK_IO`: everything else that a disk can say.
 * - `ADDRESS_IN_USE`: someone listens there already.
 * - `CONNECT_FAILED`: nobody answered, or refused.
 * - `LINK_BROKEN`: the connection was cut; what had been sent may or may not have arrived.
 * - `FRAME_TOO_LARGE`: the peer announced a message above the limit; the link is closed.
 */
export type RuntimeErrorCode =
  | "FILE_NOT_FOUND"
  | "FILE_EXISTS"
  | "FILE_KIND"
  | "FILE_CLOSED"
  | "FILE_SYNC_FAILED"
  | "DISK_FULL"
  | "DISK_IO"
  | "ADDRESS_IN_USE"
  | "CONNECT_FAILED"
  | "LINK_BROKEN"
  | "FRAME_TOO_LARGE";

/** A fault of files or network. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";

  /** Which fault: stable, to be compared. */
  readonly code: RuntimeErrorCode;

  /**
   * @param message one line that says what was attempted, on what
   * @param cause what the platform said, if anything
   */
  constructor(code: RuntimeErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
