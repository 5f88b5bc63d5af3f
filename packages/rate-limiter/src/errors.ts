// The one error class of this package: what is neither an answer nor misuse.

/** What went wrong. Stable: programs may switch on it. */
export type RateLimiterErrorCode =
  /** The store did not answer in time. The request may have been charged, once. */
  | "STORE_TIMEOUT"
  /** The connection broke before the answer came. The request may have been charged, once. */
  | "STORE_LOST"
  /** The store was not asked: no connection, or it has too much to answer already. */
  | "STORE_UNAVAILABLE"
  /** The store answered with an error, which is the `cause`. Nothing charged. */
  | "STORE_ERROR"
  /** The store has been closed. */
  | "STORE_CLOSED";

/** A fault of the store behind a limiter. */
export class RateLimiterError extends Error {
  /** What went wrong. */
  readonly code: RateLimiterErrorCode;

  constructor(code: RateLimiterErrorCode, message: string, options?: ErrorOptions) {
    // These come by the thousand when a server is down, and a stack would say nothing more.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = limit;
    this.code = code;
  }
}

RateLimiterError.prototype.name = "RateLimiterError";
