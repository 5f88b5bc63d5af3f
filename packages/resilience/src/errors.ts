// The one error class of this package. Like a breaker's refusal, these are everyday events in bad
// times: they carry a code and a wait, and no stack.

/** Why a policy did not let a call through, or ended it. Stable: programs may switch on it. */
export type ResilienceErrorCode =
  | "TIMEOUT"
  | "DEADLINE_EXCEEDED"
  | "BULKHEAD_FULL"
  | "LIMIT_EXCEEDED"
  | "SHED"
  | "THROTTLED"
  | "RATE_LIMITED"
  | "HEDGE_LOST"
  // A server's: nobody is left to be answered.
  | "CLIENT_GONE";

/** A call that a policy refused or gave up on. */
export class ResilienceError extends Error {
  /** Which policy, and why. */
  readonly code: ResilienceErrorCode;
  /** Milliseconds after which another try makes sense, where the policy knows. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ResilienceErrorCode, message: string, retryAfterMs?: number) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

ResilienceError.prototype.name = "ResilienceError";

/**
 * Whether somebody in this process refused the call, so that it never reached the other side. Known
 * by name and code: an installation may hold two copies of a package, and either means the same.
 */
export function isLocalRefusal(reason: unknown): boolean {
  if (!(reason instanceof Error)) return false;
  if (reason.name === "CircuitBreakerError" || reason.name === "RateLimitedError") return true;
  return reason.name === "ResilienceError" && !isOutOfTime(reason);
}

/** Whether an error says that the time for an answer was up: a timeout's, or the call's. */
export function isOutOfTime(reason: unknown): boolean {
  const code = (reason as { code?: unknown } | null | undefined)?.code;
  return code === "TIMEOUT" || code === "DEADLINE_EXCEEDED";
}
