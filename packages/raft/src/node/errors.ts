// What a node says when it cannot do what it was asked. Whoever asked must know one thing above
// all: may it have happened? A proposal that was never appended can be made again without a
// thought; one whose answer is missing may have been carried out, and may still be (Raft §8). So
// each code is of one of two kinds, and `outcome` says which.
//
// Left out: faults of the core and the log (RaftError, WalError). They stop the node, and are the
// `cause` of what its callers get.

/** What went wrong, as a stable word. */
export type RaftNodeErrorCode =
  /** No leader took it within its time. It has not happened. */
  | "NO_LEADER"
  /** Only the leader does that; the message names the leader. It has not happened. */
  | "NOT_LEADER"
  /** Too much waits already. It has not happened. */
  | "BUSY"
  /** Another leader's entry took its place. It has not happened, and never will. */
  | "SUPERSEDED"
  /** The group does not make that change: the message says why. It has not happened. */
  | "CHANGE_REFUSED"
  /** The session was not used for so long that others took its place; start a new one. */
  | "SESSION_EXPIRED"
  /** The session has said that it knows the answer, or has too many commands without an answer. */
  | "SESSION_SEQUENCE"
  /** No answer within its time. It may have happened, or may yet. */
  | "TIMEOUT"
  /** The node was closed. What had been proposed may have happened, or may yet. */
  | "CLOSED"
  /** The node cannot go on: see `cause`. What had been proposed may have happened, or may yet. */
  | "FAILED"
  /** This disk is not the one that the group knows this member by; join as a new member. */
  | "WRONG_DISK"
  /** The group has removed this member, for ever. */
  | "REMOVED";

/** Whether what was asked may have happened. */
export type Outcome = "not-executed" | "unknown";

/** A node could not do what it was asked. */
export class RaftNodeError extends Error {
  override readonly name = "RaftNodeError";
  /** What went wrong; the message says more. */
  readonly code: RaftNodeErrorCode;
  /** Whether it may have happened all the same: only "not-executed" is safe to repeat. */
  readonly outcome: Outcome;

  constructor(code: RaftNodeErrorCode, message: string, outcome: Outcome, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.outcome = outcome;
  }
}
