// What HTTP says about time and repetition, read and written: Retry-After (RFC 9110 §10.2.3), a
// deadline on its way to the next server, and which methods may be sent twice (§9.2.2).
//
// A deadline travels as what is left of it, never as a time of day: no two machines agree on the
// time of day to the millisecond. The header is Envoy's, so a mesh between two services reads and
// writes the same one. gRPC has its own, grpc-timeout, which grpc-js handles.
//
// All of it comes from a stranger. What does not follow the grammar counts as absent: advice that
// cannot be read is no reason to fail a request that could be served without it.

/** How many milliseconds the caller will still wait. Envoy's name for it. */
export const DEADLINE_HEADER = "x-envoy-expected-rq-timeout-ms";

const DIGITS = /^\d{1,10}$/;
// The three forms of HTTP-date (RFC 9110 §5.6.7). Date.parse takes much else, "5.5" for one.
const HTTP_DATE =
  /^(?:[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT|[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d [\d:]{8} GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4})$/;

/**
 * The wait that a Retry-After asks for, in ms: seconds, or a date against the wall clock's
 * `wallMs`. 0 for a date in the past; undefined for anything else.
 */
export function parseRetryAfter(
  value: string | null | undefined,
  wallMs: number,
): number | undefined {
  if (value === null || value === undefined) return undefined;
  const text = value.trim();
  if (DIGITS.test(text)) return Number(text) * 1_000;
  if (!HTTP_DATE.test(text)) return undefined;
  // The asctime form says nothing about its zone, which is GMT all the same.
  const atMs = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - wallMs);
}

/** A wait as Retry-After says it: whole seconds, rounded up, and never "at once". */
export function formatRetryAfter(waitMs: number): string {
  return String(Math.min(Math.max(1, Math.ceil(waitMs / 1_000)), 9_999_999_999));
}

/** What is left of the sender's deadline, in ms; 0: nothing; undefined: it named none. */
export function parseDeadline(value: string | null | undefined): number | undefined {
  if (value === null || value === undefined || !DIGITS.test(value)) return undefined;
  return Number(value);
}

/** What is left of a deadline, rounded down: promising the next server more than there is helps nobody. */
export function formatDeadline(remainingMs: number): string {
  return String(Math.min(Math.max(0, Math.floor(remainingMs)), 9_999_999_999));
}

const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** Whether HTTP promises that a request of this method has the same effect twice as once. */
export function isIdempotentMethod(method: string): boolean {
  return IDEMPOTENT.has(method.toUpperCase());
}

/**
 * Whether a status says that the server failed, and not the request: 408, 429, and every 5xx but
 * 501 and 505, which will be no better next time. (What .NET's standard resilience pipeline calls
 * transient, less those two; got, ky and undici list the common ones of them one by one.)
 */
export function isFailureStatus(status: number): boolean {
  if (status === 408 || status === 429) return true;
  return status >= 500 && status !== 501 && status !== 505;
}
