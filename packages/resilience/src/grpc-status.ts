// What gRPC's status codes say to a pipeline, and how a pipeline's refusals are said in them.
//
// Which codes are failures? Those by which a server or the way to it says that it is unwell, and
// that an HTTP gateway would render as 429 or 5xx: UNKNOWN (a handler threw), DEADLINE_EXCEEDED,
// RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE. The others are answers: NOT_FOUND, INVALID_ARGUMENT,
// FAILED_PRECONDITION and their like are about the request and would be the same next time;
// ABORTED asks to repeat a transaction, which only the caller knows; UNIMPLEMENTED does not pass.
// So one rule serves the breaker and the retry, which repeats idempotent calls only. Those who
// retry calls that are not should narrow it to UNAVAILABLE, as gRPC's own guide does.
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { refusalOf } from "./refusal.ts";

/** When a server wants to be asked again, in ms; negative: not at all (gRFC A6). */
export const PUSHBACK = "grpc-retry-pushback-ms";

const FAILURES: ReadonlySet<number> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.INTERNAL,
  status.UNAVAILABLE,
]);

/** Whether a status code says that the server failed, and not the request. */
export function isFailureCode(code: number): boolean {
  return FAILURES.has(code);
}

/** A call that ended with a failure, as policies see it. */
export class GrpcFailure extends Error {
  /** Stable: programs may switch on it. */
  readonly code = "GRPC_STATUS";
  /** How the call ended. */
  readonly status: StatusObject;
  /** The server's pushback in ms; negative: there must not be another attempt. */
  readonly retryAfterMs: number | undefined;

  constructor(status: StatusObject, retryAfterMs: number | undefined = pushbackMs(status)) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(`${status.code}: ${status.details}`);
    Error.stackTraceLimit = limit;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

GrpcFailure.prototype.name = "GrpcFailure";

// gRFC A6: what is negative, or no number, means: do not retry.
function pushbackMs({ metadata }: StatusObject): number | undefined {
  const [value] = metadata.get(PUSHBACK);
  if (value === undefined) return undefined;
  return typeof value === "string" && /^\d{1,10}$/.test(value) ? Number(value) : -1;
}

const CODES = {
  "rate-limited": status.RESOURCE_EXHAUSTED,
  overloaded: status.RESOURCE_EXHAUSTED,
  "circuit-open": status.UNAVAILABLE,
  late: status.DEADLINE_EXCEEDED,
} as const;

/**
 * How gRPC says an error: refusals by RESOURCE_EXHAUSTED, UNAVAILABLE or DEADLINE_EXCEEDED, with a
 * pushback where a wait is known; everything else is UNKNOWN. For handlers of your own:
 * `callback(grpcStatusOf(error))`.
 */
export function grpcStatusOf(error: unknown): StatusObject {
  const metadata = new Metadata();
  if (error instanceof GrpcFailure) return error.status;
  const refusal = refusalOf(error);
  if (refusal === undefined) {
    const details = error instanceof Error ? error.message : String(error);
    return { code: status.UNKNOWN, details, metadata };
  }
  const { kind, code, message, retryAfterMs } = refusal;
  if (retryAfterMs !== undefined) metadata.set(PUSHBACK, String(Math.ceil(retryAfterMs)));
  return { code: CODES[kind], details: `${code}: ${message}`, metadata };
}
