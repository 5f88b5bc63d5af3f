// The one error class of this package. A refused call is an everyday event during an outage, and
// an outage is the worst moment to spend microseconds on stack traces that all say the same: the
// error carries a code and a wait instead, and no stack.

/** Why a breaker refused a call, or a snapshot. Stable: programs may switch on it. */
export type CircuitBreakerErrorCode =
  | "CIRCUIT_OPEN"
  | "CIRCUIT_HALF_OPEN"
  | "CIRCUIT_FORCED_OPEN"
  | "CIRCUIT_IN_FLIGHT_MAX"
  | "CIRCUIT_SNAPSHOT";

/** A call, or a snapshot, that the breaker named in {@link breaker} did not take. */
export class CircuitBreakerError extends Error {
  /** What kind of refusal this is. */
  readonly code: CircuitBreakerErrorCode;
  /** The `name` option of the breaker that refused. */
  readonly breaker: string;
  /** Milliseconds until a call may be admitted again; `undefined` where that depends on others. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: CircuitBreakerErrorCode,
    breaker: string,
    message: string,
    retryAfterMs?: number,
  ) {
    // Capturing a stack costs about eight times as much as the rest of a refusal.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.code = code;
    this.breaker = breaker;
    this.retryAfterMs = retryAfterMs;
  }
}

// On the prototype: one string for all, instead of one property for each.
CircuitBreakerError.prototype.name = "CircuitBreakerError";
