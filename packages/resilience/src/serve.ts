// What the server edges have in common: reading a request's deadline and importance, and running
// its handler under them.
import type { Criticality } from "./call.ts";
import { parseTimeoutMs, TIMEOUT_MS_HEADER } from "./deadline-headers.ts";
import { ResilienceError } from "./errors.ts";
import type { CallOptions, Pipeline } from "./pipeline.ts";
import { REFUSED_BY_SERVERS, refusePolicies } from "./refusal.ts";

/** Options that every server edge takes. */
export interface ServeOptions<R> {
  /**
   * The header that says what is left of the client's deadline, in ms; false: none is read. Default
   * Envoy's.
   */
  deadlineHeader?: string | false;
  /** The deadline of requests that name none, in ms from their arrival. Above 0; default: none. */
  deadlineInMs?: number;
  /** Deadlines further away are brought nearer, in ms. Above 0; default: none is. */
  deadlineInMsMax?: number;
  /** How much a request matters. Default `"critical"`. */
  criticality?: (request: R) => Criticality;
  /** For whom a request is, where a policy tells callers apart. */
  key?: (request: R) => string | undefined;
}

/** Reads requests; made once for a server. */
export class Reader<R> {
  /** The header's name in lower case; undefined: none is read. */
  readonly deadlineHeader: string | undefined;
  readonly #options: ServeOptions<R>;

  /** Throws a TypeError or RangeError for a pipeline or options that cannot work in `edge`. */
  constructor(pipeline: Pipeline, edge: string, options: ServeOptions<R>) {
    refusePolicies(pipeline, edge, REFUSED_BY_SERVERS);
    const { deadlineHeader = TIMEOUT_MS_HEADER, deadlineInMs, deadlineInMsMax } = options;
    checkAboveZero("deadlineInMs", deadlineInMs);
    checkAboveZero("deadlineInMsMax", deadlineInMsMax);
    this.deadlineHeader = deadlineHeader === false ? undefined : deadlineHeader.toLowerCase();
    this.#options = options;
  }

  /** What a call is to know about a request. A header that cannot be read counts as absent. */
  read(request: R, header: string | undefined, signal: AbortSignal): CallOptions {
    const { deadlineInMs = Infinity, deadlineInMsMax = Infinity } = this.#options;
    const asked = parseTimeoutMs(header);
    const askedMs = asked?.valid ? asked.timeoutMs : deadlineInMs;
    return {
      signal,
      deadlineInMs: Math.min(askedMs, deadlineInMsMax),
      criticality: this.#options.criticality?.(request),
      key: this.#options.key?.(request),
    };
  }
}

/** Why a call is aborted whose client has gone away: there is nobody to be answered. */
export function clientGone(): ResilienceError {
  return new ResilienceError("CLIENT_GONE", "the client closed the connection");
}

function checkAboveZero(name: string, value: number | undefined): void {
  if (value === undefined || value > 0) return;
  throw new RangeError(`${name} must be a number above 0, got ${String(value)}`);
}
