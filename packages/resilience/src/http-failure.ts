// A failed attempt, as policies and fallbacks see it. To HTTP a 503 is an answer like any other; to
// a retry, a breaker or a budget it is a failure. So inside the pipeline it is an error that holds
// the response, and on the way out the edge turns it back: the caller gets the last response, or
// the very error that the transport threw, as if nobody had stood in between.
import { ResilienceError, type ResilienceErrorCode } from "./errors.ts";
import { parseRetryAfter } from "./headers.ts";
import type { Pipeline } from "./pipeline.ts";
import type { PolicyKind } from "./policy.ts";

/** An attempt that the server (`HTTP_STATUS`) or the way to it (`NETWORK`, see `cause`) failed. */
export class HttpFailure<R = unknown> extends ResilienceError {
  /** What the server answered; undefined where it did not. */
  readonly response: R | undefined;
  /** The status of `response`. */
  readonly status: number | undefined;

  constructor(
    code: ResilienceErrorCode,
    message: string,
    about: { response?: R; status?: number; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(code, message, about.retryAfterMs);
    this.response = about.response;
    this.status = about.status;
    if (about.cause !== undefined) this.cause = about.cause;
  }
}

HttpFailure.prototype.name = "HttpFailure";

/** What `retryAfterMs` says when there must not be another attempt. */
export const NEVER_AGAIN = -1;

/**
 * How long a failed response asks to be left alone, in ms. A server that names more than `maxMs`
 * gives an answer, not a pause: nobody should hang for an hour, so there is no other attempt.
 */
export function askedWaitMs(
  retryAfter: string | null | undefined,
  wallMs: number,
  maxMs: number,
): number | undefined {
  const waitMs = parseRetryAfter(retryAfter, wallMs);
  return waitMs !== undefined && waitMs > maxMs ? NEVER_AGAIN : waitMs;
}

/** The refusal of a second attempt whose body went out with the first. */
export function bodyIsGone(): HttpFailure {
  const message = "the request's body is a stream, and went out with the first attempt";
  return new HttpFailure("BODY_NOT_REPLAYABLE", message, { retryAfterMs: NEVER_AGAIN });
}

/** Throws a RangeError unless `value` is a number of milliseconds from 0. */
export function checkWaitMs(name: string, value: number): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new RangeError(`${name} must be a number from 0, got ${String(value)}`);
}

/** Throws a TypeError for a pipeline with a policy that cannot work at this edge. */
export function refusePolicies(
  pipeline: Pipeline<unknown>,
  edge: string,
  refused: Partial<Record<PolicyKind, string>>,
): void {
  for (const { kind } of pipeline.policies) {
    const because = refused[kind];
    if (because !== undefined) throw new TypeError(`${kind} cannot work in ${edge}: ${because}`);
  }
}
