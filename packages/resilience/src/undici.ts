// A pipeline as an interceptor of undici 8: every request of a dispatcher goes through it, whatever
// asked for it (request, stream, pipeline, a framework's client).
//
//     const agent = new Agent().compose(resilience(pipeline(retry(), circuitBreaker(breaker))));
//
// It knows what the fetch edge knows (fetch.ts): methods, Idempotency-Key, statuses, Retry-After,
// bodies that can be sent once. The caller's handler hears of one response only: the last one, with
// every event in order. Before that it is told that the request has started, so that it can abort
// even while the pipeline lets it wait. An attempt is over when its headers are there.
//
// undici's fetch hands a dispatcher every body as a stream: put resilientFetch around fetch
// instead. Left out: resuming a body that broke off (undici's own retry interceptor does),
// `onBodySent` and `onRequestSent`, and back pressure on dispatch: what queues, queues in the
// pipeline, bounded there.
import type { Dispatcher } from "undici";
import type { Call, Criticality } from "./call.ts";
import { encodeTimeoutMs, TIMEOUT_MS_HEADER } from "./deadline-headers.ts";
import { ResilienceError } from "./errors.ts";
import { isFailureStatus, isIdempotentMethod } from "./headers.ts";
import {
  bodyIsGone,
  HttpFailure,
  isReplayable,
  networkFailure,
  statusFailure,
} from "./http-failure.ts";
import type { Pipeline } from "./pipeline.ts";
import { refusePolicies } from "./refusal.ts";
import { Attempt, type Head } from "./undici-attempt.ts";
import { headerNames, withHeader } from "./undici-headers.ts";

export { HttpFailure, type HttpFailureCode } from "./http-failure.ts";
export type { Head } from "./undici-attempt.ts";

type Request = Dispatcher.DispatchOptions;
type Handler = Dispatcher.DispatchHandler;

/** Options of {@link resilience}. */
export interface ResilienceInterceptorOptions {
  /** Whether a response counts as failed. Default: 408, 429, and 5xx but 501 and 505. */
  isFailure?: (head: Head) => boolean;
  /** Whether a request may be sent twice. Default: by its method, or its Idempotency-Key. */
  idempotent?: (request: Request) => boolean;
  /** How much a request matters. Default `"critical"`. */
  criticality?: (request: Request) => Criticality;
  /** By when a request must be answered, in ms from its dispatch. Default: no deadline. */
  deadlineInMs?: number;
  /**
   * Tells the server what is left of the call's deadline: `true`, or a header's name. Default
   * false.
   */
  deadlineHeader?: boolean | string;
}

/**
 * An interceptor for `dispatcher.compose`. Throws a TypeError for a pipeline that cannot work here.
 */
export function resilience(
  pipeline: Pipeline,
  options: ResilienceInterceptorOptions = {},
): Dispatcher.DispatcherComposeInterceptor {
  refusePolicies(pipeline, "an undici interceptor", {
    "single-flight": "callers would share one body, which can be read once",
  });
  return (dispatch) =>
    function resilientDispatch(request, handler) {
      new Exchange(dispatch, request, handler, options).begin(pipeline);
      return true;
    };
}

// One request and all attempts at it; to the caller, the controller of one connection.
class Exchange implements Dispatcher.DispatchController {
  readonly #dispatch: Dispatcher.Dispatch;
  readonly #request: Request;
  readonly #handler: Handler;
  readonly #options: ResilienceInterceptorOptions;
  readonly #replayable: boolean;
  readonly #attempts: Attempt[] = [];
  // Those whose headers have come.
  readonly #answered: Attempt[] = [];
  readonly #caller = new AbortController();
  #chosen: Attempt | undefined;
  // Whether the handler wants no more for now.
  #paused = false;

  constructor(
    dispatch: Dispatcher.Dispatch,
    request: Request,
    handler: Handler,
    options: ResilienceInterceptorOptions,
  ) {
    this.#dispatch = dispatch;
    this.#request = request;
    this.#handler = handler;
    this.#options = options;
    this.#replayable = isReplayable(request.body);
  }

  get aborted(): boolean {
    return this.#chosen?.controller?.aborted ?? this.#caller.signal.aborted;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get reason(): Error | null {
    return this.#chosen?.controller?.reason ?? this.#caller.signal.reason ?? null;
  }

  get rawHeaders(): NonNullable<Dispatcher.DispatchController["rawHeaders"]> | null {
    return this.#chosen?.controller?.rawHeaders ?? null;
  }

  get rawTrailers(): NonNullable<Dispatcher.DispatchController["rawTrailers"]> | null {
    return this.#chosen?.controller?.rawTrailers ?? null;
  }

  abort(reason: Error): void {
    if (this.#chosen === undefined) this.#caller.abort(reason);
    else this.#chosen.controller?.abort(reason);
  }

  pause(): void {
    this.#paused = true;
    this.#chosen?.controller?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#chosen?.controller?.resume();
  }

  /** Asks the pipeline, and answers the handler whatever it decides. */
  begin(pipeline: Pipeline): void {
    const { deadlineInMs, criticality, idempotent = isIdempotent } = this.#options;
    this.#handler.onRequestStart?.(this, {});
    const callOptions = {
      signal: this.#caller.signal,
      deadlineInMs,
      criticality: criticality?.(this.#request),
      idempotent: this.#replayable && idempotent(this.#request),
    };
    pipeline
      .call((call) => this.#attempt(call), callOptions)
      .then(
        (attempt) => this.#choose(attempt),
        (error) => this.#fail(error),
      )
      // What a handler threw, on the way in or out: the same end that undici gives it.
      .catch((error: Error) => {
        this.#chosen?.controller?.abort(error);
        this.#handler.onResponseError?.(this, error);
      });
  }

  async #attempt(call: Call): Promise<Attempt> {
    if (this.#attempts.length > 0 && !this.#replayable) throw bodyIsGone();
    const remainingMs = call.remainingMs();
    if (remainingMs <= 0) throw new ResilienceError("DEADLINE_EXCEEDED", "too late to be sent");
    // Whoever asks again has given up on what came before, but for what is in memory already.
    for (const earlier of this.#answered) earlier.discard();
    const attempt = new Attempt((status, headers) => {
      this.#handler.onResponseStart?.(this, status, headers);
    });
    this.#attempts.push(attempt);
    const listener = call.onAbort((reason) => attempt.abort(reason));
    this.#dispatch(this.#requestFor(remainingMs), attempt);
    let head: Head;
    try {
      head = await attempt.head;
    } catch (error) {
      if (call.aborted) throw call.reason;
      throw networkFailure(error, this.#replayable && !isMisuse(error));
    } finally {
      listener.dispose();
    }
    this.#answered.push(attempt);
    const { isFailure = hasFailed } = this.#options;
    if (!isFailure(head)) return attempt;
    const { status, headers } = head;
    const retryAfter = String(headers["retry-after"] ?? "");
    const wallMs = call.clock.wallMs();
    throw statusFailure(attempt, { status, retryAfter, wallMs, again: this.#replayable });
  }

  #requestFor(remainingMs: number): Request {
    const { deadlineHeader = false } = this.#options;
    const leftMs = encodeTimeoutMs(remainingMs);
    if (deadlineHeader === false || leftMs === undefined) return this.#request;
    const name = deadlineHeader === true ? TIMEOUT_MS_HEADER : deadlineHeader;
    return withHeader(this.#request, name, leftMs);
  }

  // This attempt's response is the caller's; nobody wants the others.
  #choose(chosen: Attempt | undefined): void {
    this.#chosen = chosen;
    for (const attempt of this.#attempts) if (attempt !== chosen) attempt.discard();
    chosen?.forward(this.#handler, this);
  }

  #fail(error: unknown): void {
    const failure = error instanceof HttpFailure ? error : undefined;
    if (failure?.code === "HTTP_STATUS") return this.#choose(failure.response as Attempt);
    this.#choose(undefined);
    const cause = failure?.code === "NETWORK" ? failure.cause : error;
    this.#handler.onResponseError?.(this, cause as Error);
  }
}

const hasFailed = ({ status }: Head): boolean => isFailureStatus(status);

function isIdempotent(request: Request): boolean {
  if (isIdempotentMethod(request.method)) return true;
  return headerNames(request).includes("idempotency-key");
}

// What undici says of a request or a dispatcher that no second attempt will change.
function isMisuse(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return /^UND_ERR_(INVALID_ARG|DESTROYED|CLOSED|NOT_SUPPORTED)$/.test(String(code));
}
