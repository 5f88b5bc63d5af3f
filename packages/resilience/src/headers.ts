// What HTTP says about failure and repetition: Retry-After (RFC 9110 §10.2.3), which methods may
// be sent twice (§9.2.2), which statuses are a server's failure. deadline-headers.ts has deadlines.
//
// All of it comes from a stranger. A Retry-After that does not follow the grammar counts as absent:
// advice that cannot be read is no reason to fail a call.

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
