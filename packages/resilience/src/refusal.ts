// What a refusal is called on the wire. A server that sheds load should say so in the words that
// its client's retry, breaker or load balancer acts on: "not you, not now, not before then".
//
//     code                                   HTTP            gRPC
//     RATE_LIMITED                           429 + wait      RESOURCE_EXHAUSTED + pushback
//     BULKHEAD_FULL, SHED, THROTTLED, …      503 + wait      RESOURCE_EXHAUSTED + pushback
//     CIRCUIT_…                              503 + wait      UNAVAILABLE + pushback
//     TIMEOUT, DEADLINE_EXCEEDED             504             DEADLINE_EXCEEDED
//
// Errors are known by name and code and not by class: an installation may hold two copies of a
// package, and an error of either means the same.
import { formatRetryAfter } from "./headers.ts";
import type { Pipeline } from "./pipeline.ts";
import type { PolicyKind } from "./policy.ts";

/** The kinds of refusal that a client can tell apart. */
export type RefusalKind = "rate-limited" | "overloaded" | "circuit-open" | "late";

/** A refusal, as an edge sees it. */
export interface Refusal {
  /** What to call it. */
  readonly kind: RefusalKind;
  /** The error's code: `BULKHEAD_FULL`, `CIRCUIT_OPEN`, … */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** When another try makes sense, in ms from now; undefined where nobody can know. */
  readonly retryAfterMs: number | undefined;
}

/** What a client is told of overload that names no time of its own. */
const OVERLOAD_WAIT_MS = 1_000;

const KINDS: ReadonlyMap<string, RefusalKind> = new Map([
  ["RATE_LIMITED", "rate-limited"],
  ["BULKHEAD_FULL", "overloaded"],
  ["LIMIT_EXCEEDED", "overloaded"],
  ["SHED", "overloaded"],
  ["THROTTLED", "overloaded"],
  ["CIRCUIT_IN_FLIGHT_MAX", "overloaded"],
  ["CIRCUIT_OPEN", "circuit-open"],
  ["CIRCUIT_HALF_OPEN", "circuit-open"],
  ["CIRCUIT_FORCED_OPEN", "circuit-open"],
  ["TIMEOUT", "late"],
  ["DEADLINE_EXCEEDED", "late"],
]);

// By name: an installation may hold two copies of a package, and rate-limiter is no dependency.
const REFUSERS = new Set(["ResilienceError", "CircuitBreakerError", "RateLimitedError"]);

/** The refusal that an error is; undefined for anything that no policy decided. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined;
  if (!REFUSERS.has(error.name)) return undefined;
  const { code, message, retryAfterMs } = error as Error & { code: string; retryAfterMs?: number };
  const kind = KINDS.get(code);
  if (kind === undefined) return undefined;
  const waitMs = kind === "overloaded" ? OVERLOAD_WAIT_MS : undefined;
  return { kind, code, message, retryAfterMs: retryAfterMs ?? waitMs };
}

/** An answer of HTTP, with a body as RFC 9457 has it. */
export interface Problem {
  /** The status code. */
  readonly status: number;
  /** Content-Type, and Retry-After in whole seconds where a wait is known. */
  readonly headers: Record<string, string>;
  /** A problem detail, as JSON. */
  readonly body: string;
}

const STATUS = { "rate-limited": 429, overloaded: 503, "circuit-open": 503, late: 504 } as const;

/** How HTTP says a refusal; undefined for errors that are none. For error handlers of your own. */
export function problemOf(error: unknown): Problem | undefined {
  const refusal = refusalOf(error);
  if (refusal === undefined) return undefined;
  const { kind, code, message, retryAfterMs } = refusal;
  const status = STATUS[kind];
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (retryAfterMs !== undefined) headers["retry-after"] = formatRetryAfter(retryAfterMs);
  return { status, headers, body: JSON.stringify({ status, title: message, code }) };
}

const ANSWERS_ONCE = "a server answers a request once: put it into the client";

/** Policies that make no sense around the handler of a server. */
export const REFUSED_BY_SERVERS: Partial<Record<PolicyKind, string>> = {
  retry: ANSWERS_ONCE,
  hedge: ANSWERS_ONCE,
  "single-flight": "each request needs an answer of its own: share the work inside the handler",
};

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
