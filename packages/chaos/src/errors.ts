// The one error class of this package. Expected things (a refused connection, a reset) are not
// errors but numbers in stats(); misuse is a RangeError or TypeError. What is left is the world
// refusing: a port that is taken, a proxy that has been closed.

/** Stable names of what a {@link ChaosError} stands for. */
export type ChaosErrorCode =
  /** The address could not be listened on; `cause` is the system's error. */
  | "LISTEN_FAILED"
  /** The proxy or control server has been disposed of. */
  | "CLOSED";

/** A fault of this package itself; `code` is stable, `message` is one line and may change. */
export class ChaosError extends Error {
  override readonly name = "ChaosError";
  /** What happened, for programs: it does not change between versions. */
  readonly code: ChaosErrorCode;

  constructor(code: ChaosErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
