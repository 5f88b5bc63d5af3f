// What a refusal is called in HTTP: a status, Retry-After, and a problem detail (RFC 9457) of the
// types that draft-ietf-httpapi-ratelimit-headers-11 §5 defines.
//
//     over the limit          429  quota-exceeded              Retry-After: the wait, rounded up
//     costs more than fits    429  quota-exceeded              none: waiting does not help
//     no room, no store       503  temporary-reduced-capacity  Retry-After: 1
//     a key that is none      400                              none
import type { Decision } from "./decision.ts";
import { retryAfterMsOf, secondsOf } from "./response-fields.ts";

/** An answer to a request that is not let through. */
export interface Refusal {
  /** The status code. */
  readonly status: number;
  /** Content-Type, and Retry-After in whole seconds where a wait is known. */
  readonly headers: Readonly<Record<string, string>>;
  /** A problem detail, as JSON. */
  readonly body: string;
  /** What the limiter decided; undefined when it could not be asked, for want of a usable key. */
  readonly decision: Decision | undefined;
}

const TYPES = "https://iana.org/assignments/http-problem-types#";
const CONTENT_TYPE = { "content-type": "application/problem+json" };

/** How HTTP says that a limiter has refused. */
export function refusalOf(decision: Decision): Refusal {
  const { outcome, rule } = decision;
  const ours = outcome === "keys-max" || outcome === "store-closed";
  const status = ours ? 503 : 429;
  const type = `${TYPES}${ours ? "temporary-reduced-capacity" : "quota-exceeded"}`;
  const title = ours ? "Temporary Reduced Capacity" : "Quota Exceeded";
  const waitMs = retryAfterMsOf(decision);
  const headers =
    waitMs === undefined
      ? CONTENT_TYPE
      : { ...CONTENT_TYPE, "retry-after": String(secondsOf(waitMs)) };
  const body = JSON.stringify({ type, title, status, "violated-policies": [rule.name] });
  return { status, headers, body, decision };
}

/** The answer to a request whose key no limiter can take: it came from the request itself. */
export const KEY_REFUSAL: Refusal = {
  status: 400,
  headers: CONTENT_TYPE,
  body: JSON.stringify({
    title: "Bad Request",
    status: 400,
    detail: "what the request is counted by is empty, too long or no well-formed text",
  }),
  decision: undefined,
};
