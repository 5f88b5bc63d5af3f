// A pipeline around fetch, with fetch's own signature and fetch's own outcomes.
//
//     const send = resilientFetch(pipeline(retry(), circuitBreaker(breaker)));
//     const response = await send("https://example.org/");
//
// What it adds to the pipeline is what only HTTP knows: which methods may be repeated (RFC 9110
// §9.2.2), or an Idempotency-Key that allows it; which statuses are failures; how long Retry-After
// asks to wait; that a streamed body can be sent once. Inside, a failed response is an HttpFailure;
// the caller gets the last Response itself, and network errors as fetch throws them.
//
// A response that nobody wants any more must be let go, or its unread body keeps a connection: when
// the next attempt begins, and at the end all but the one that the caller gets. A small body costs
// nothing: Node's fetch takes up to about 64 KiB into memory unasked, and the connection is used
// again. A larger one is cut off, connection and all; so is the loser of a hedge.
//
// An attempt is over when the headers are there: timeouts, bulkheads and breakers do not watch the
// body. The caller's signal ends the body too, as with fetch. Left out: caches, cookies, redirects
// as attempts, and bodies that could be rewound.
import type { Call } from "./call.ts";
import { encodeTimeoutMs, TIMEOUT_MS_HEADER } from "./deadline-headers.ts";
import { ResilienceError } from "./errors.ts";
import { Attempt } from "./fetch-attempt.ts";
import { isFailureStatus, isIdempotentMethod } from "./headers.ts";
import {
  bodyIsGone,
  HttpFailure,
  isReplayable,
  networkFailure,
  statusFailure,
} from "./http-failure.ts";
import type { CallOptions, Pipeline } from "./pipeline.ts";
import { refusePolicies } from "./refusal.ts";

export { parseRetryAfter } from "./headers.ts";
export { HttpFailure, type HttpFailureCode } from "./http-failure.ts";

type Fetch = typeof globalThis.fetch;
type FetchInput = Parameters<Fetch>[0];

/** Options of {@link resilientFetch}. */
export interface ResilientFetchOptions {
  /** Sends the requests. Default: the global fetch, as it is at the time of the call. */
  fetch?: Fetch;
  /** Whether a response counts as failed. Default: 408, 429, and 5xx but 501 and 505. */
  isFailure?: (response: Response) => boolean;
  /**
   * Tells the server what is left of the call's deadline: `true`, or a header's name. Default
   * false.
   */
  deadlineHeader?: boolean | string;
}

/** What fetch takes, and what a pipeline wants to know of a call. */
export interface ResilientRequestInit
  extends RequestInit,
    Pick<CallOptions, "deadlineInMs" | "idempotent" | "criticality" | "key"> {}

/** Fetch, through a pipeline. */
export type ResilientFetch = (
  input: FetchInput,
  init?: ResilientRequestInit | undefined,
) => Promise<Response>;

/**
 * Puts a pipeline around fetch. The function rejects as fetch does, or with what a policy refused
 * with. Throws a TypeError for a pipeline that cannot work here.
 */
export function resilientFetch(
  pipeline: Pipeline<Response>,
  options: ResilientFetchOptions = {},
): ResilientFetch {
  refusePolicies(pipeline, "fetch", {
    "single-flight": "callers would share one body, which can be read once",
  });
  return async (input, init = {}) => {
    const exchange = new Exchange(input, init, options);
    const { deadlineInMs, criticality, key } = init;
    const { signal, idempotent } = exchange;
    const callOptions = { signal, idempotent, deadlineInMs, criticality, key };
    return await pipeline
      .call((call) => exchange.attempt(call), callOptions)
      .then(
        (response) => exchange.keep(response),
        (error) => exchange.unwrap(error),
      );
  };
}

// One request and all attempts at it.
class Exchange {
  readonly signal: AbortSignal | undefined;
  readonly idempotent: boolean;
  readonly #input: FetchInput;
  readonly #init: RequestInit;
  readonly #headers: Headers;
  readonly #options: ResilientFetchOptions;
  readonly #replayable: boolean;
  readonly #attempts: Attempt[] = [];

  constructor(input: FetchInput, init: ResilientRequestInit, options: ResilientFetchOptions) {
    const request = asRequest(input);
    this.#input = input;
    this.#init = init;
    this.#options = options;
    this.#headers = new Headers(init.headers ?? request?.headers);
    this.#replayable = isReplayable(init.body ?? request?.body);
    this.signal = init.signal ?? request?.signal;
    const promised =
      isIdempotentMethod(init.method ?? request?.method ?? "GET") ||
      this.#headers.has("idempotency-key");
    this.idempotent = this.#replayable && (init.idempotent ?? promised);
  }

  async attempt(call: Call): Promise<Response> {
    if (this.#attempts.length > 0 && !this.#replayable) throw bodyIsGone();
    const remainingMs = call.remainingMs();
    if (remainingMs <= 0) throw new ResilienceError("DEADLINE_EXCEEDED", "too late to be sent");
    // Whoever asks again has given up on what came before.
    for (const earlier of this.#attempts) if (earlier.response !== undefined) earlier.drop();
    const attempt = new Attempt(call, this.signal);
    this.#attempts.push(attempt);
    const { fetch = globalThis.fetch, isFailure = hasFailed } = this.#options;
    let response: Response;
    try {
      response = await fetch(this.#input, this.#initFor(attempt, remainingMs));
    } catch (error) {
      if (!isNetworkError(error) || call.aborted) throw error;
      throw networkFailure(error, this.#replayable);
    }
    attempt.arrived(response);
    if (!isFailure(response)) return response;
    const { status, headers } = response;
    const retryAfter = headers.get("retry-after");
    const wallMs = call.clock.wallMs();
    throw statusFailure(response, { status, retryAfter, wallMs, again: this.#replayable });
  }

  /** The call is over, and this response, if any, is its outcome: nobody wants the others. */
  keep(response: Response | undefined): Response {
    for (const attempt of this.#attempts) {
      attempt.end(response !== undefined && attempt.response === response);
    }
    return response as Response;
  }

  /** The call failed. A failed response is a response, and a network error is fetch's own. */
  unwrap(error: unknown): Response {
    const failure = error instanceof HttpFailure ? error : undefined;
    if (failure?.code === "HTTP_STATUS") return this.keep(failure.response as Response);
    this.keep(undefined);
    throw failure?.code === "NETWORK" ? failure.cause : error;
  }

  #initFor({ signal }: Attempt, remainingMs: number): RequestInit {
    const { deadlineHeader = false } = this.#options;
    const leftMs = encodeTimeoutMs(remainingMs);
    if (deadlineHeader === false || leftMs === undefined) return { ...this.#init, signal };
    const headers = new Headers(this.#headers);
    headers.set(deadlineHeader === true ? TIMEOUT_MS_HEADER : deadlineHeader, leftMs);
    return { ...this.#init, signal, headers };
  }
}

const hasFailed = (response: Response): boolean => isFailureStatus(response.status);

// Undici says "fetch failed" for everything that went wrong on the wire, and only for that. It is a
// TypeError, as the errors of misuse are, and must not be mistaken for one: those do not pass.
function isNetworkError(error: unknown): boolean {
  return error instanceof TypeError && error.message === "fetch failed";
}

function asRequest(input: FetchInput): Request | undefined {
  return typeof input === "object" && "method" in input ? input : undefined;
}
