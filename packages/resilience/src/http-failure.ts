// A failed attempt, as policies and fallbacks see it. To HTTP a 503 is an answer like any other; to
// a retry, a breaker or a budget it is a failure. So inside the pipeline it is an error that holds
// the response, and on the way out the edge turns it back: the caller gets the last response, or
// the very error that the transport threw, as if nobody had stood in between.
//
// It is no ResilienceError: that is what this process decided, and a retry leaves it alone.
import { parseRetryAfter } from "./headers.ts";

/** How an attempt failed: by the server's answer, on the way to it, or before it could begin. */
export type HttpFailureCode = "HTTP_STATUS" | "NETWORK" | "BODY_NOT_REPLAYABLE";

/** An attempt that the server (`HTTP_STATUS`) or the way to it (`NETWORK`, see `cause`) failed. */
export class HttpFailure<R = unknown> extends Error {
  /** How it failed. Stable: programs may switch on it. */
  readonly code: HttpFailureCode;
  /** What the server answered; undefined where it did not. */
  readonly response: R | undefined;
  /** The status of `response`. */
  readonly status: number | undefined;
  /**
   * How long the server asked to be left alone, in ms; negative: there must not be another attempt.
   */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: HttpFailureCode,
    message: string,
    about: { response?: R; status?: number; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message, "cause" in about ? { cause: about.cause } : {});
    Error.stackTraceLimit = limit;
    this.code = code;
    this.response = about.response;
    this.status = about.status;
    this.retryAfterMs = about.retryAfterMs;
  }
}

HttpFailure.prototype.name = "HttpFailure";

/** What `retryAfterMs` says when there must not be another attempt. */
export const NEVER_AGAIN = -1;

/** The failure that a response is. A request that cannot be repeated says so. */
export function statusFailure<R>(
  response: R,
  about: { status: number; retryAfter: string | null | undefined; wallMs: number; again: boolean },
): HttpFailure<R> {
  const { status, again } = about;
  const retryAfterMs = again ? parseRetryAfter(about.retryAfter, about.wallMs) : NEVER_AGAIN;
  const message = `the server answered ${status}`;
  return new HttpFailure("HTTP_STATUS", message, { response, status, retryAfterMs });
}

/** The failure of an attempt that got no answer. */
export function networkFailure(cause: unknown, again: boolean): HttpFailure<never> {
  const retryAfterMs = again ? undefined : NEVER_AGAIN;
  return new HttpFailure("NETWORK", "no answer came back", { cause, retryAfterMs });
}

/** The refusal of a second attempt whose body went out with the first. */
export function bodyIsGone(): HttpFailure {
  const message = "the request's body is a stream, and went out with the first attempt";
  return new HttpFailure("BODY_NOT_REPLAYABLE", message, { retryAfterMs: NEVER_AGAIN });
}

/** Whether a body can be read afresh for each attempt. A stream cannot; a Request's body is one. */
export function isReplayable(body: unknown): boolean {
  if (body === undefined || body === null || typeof body === "string") return true;
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return true;
  // By their tags: a fetch that is not the global one brings classes of its own.
  return /Blob|File|FormData|URLSearchParams/.test(Object.prototype.toString.call(body));
}
