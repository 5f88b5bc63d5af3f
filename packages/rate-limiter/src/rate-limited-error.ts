// A refusal where only an error can say it: what waits for a turn either gets it, or throws. Like
// every refusal it is an everyday event in bad times, and carries a wait and no stack.

/** A request that was not sent, because its turn is too far away. Nothing has been charged. */
export class RateLimitedError extends Error {
  /** Stable: programs may switch on it. */
  readonly code = "RATE_LIMITED";
  /** Milliseconds after which its turn would come; undefined where too many wait already. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs: number | undefined) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.retryAfterMs = retryAfterMs;
  }
}

RateLimitedError.prototype.name = "RateLimitedError";
