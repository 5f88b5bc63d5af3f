// The one error class of this package. An expected refusal (no leader, a proposal over the limit)
// is a value, see `Refusal` in core/message.ts; what is thrown here means that a promise on which
// Raft's safety rests has been broken, and that the node must stop rather than go on.

/** What went wrong, as a stable word. */
export type RaftErrorCode =
  /** The log or the hard state contradicts itself: storage lost or altered what it had promised. */
  | "RAFT_CORRUPT"
  /** A configuration change that no configuration follows from; nothing was changed. */
  | "RAFT_CONF_CHANGE"
  /** Bytes that are no configuration change. */
  | "RAFT_MALFORMED"
  /** A call out of order, such as a second `ready` before `advance`. */
  | "RAFT_MISUSE";

/** A fault of the package, with a stable `code`. */
export class RaftError extends Error {
  /** What went wrong; the message says where. */
  readonly code: RaftErrorCode;

  constructor(code: RaftErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RaftError";
    this.code = code;
  }
}
