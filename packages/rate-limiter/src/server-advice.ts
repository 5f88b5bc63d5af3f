// How long a server asks a client to stay away, and until when each key of the client does. The
// server knows its limit better than any copy of it that a client keeps.
//
// A 429 or 503 with Retry-After (RFC 9110 §10.2.3) says so outright. Any response may say that
// nothing is left: `RateLimit: "hour";r=0;t=60`. Where both are there, Retry-After counts
// (draft-ietf-httpapi-ratelimit-headers-11 §7); from a cache, neither is news (§7.3).
import { parseRateLimit } from "./rate-limit-field.ts";

/** What of a response has a say. */
export interface Advice {
  /** The status code. */
  readonly status: number;
  /** Its fields. */
  readonly headers: { get(name: string): string | null };
}

/** The wait that a response asks for, in ms; 0: none. Dates are seen from `wallMs`. */
export function adviceMs({ status, headers }: Advice, wallMs: number): number {
  if (Number(headers.get("age") ?? 0) > 0) return 0;
  if (status === 429 || status === 503) {
    const waitMs = parseRetryAfter(headers.get("retry-after"), wallMs);
    if (waitMs !== undefined) return waitMs;
  }
  let waitMs = 0;
  for (const { remaining, windowMs = 0 } of parseRateLimit(headers.get("ratelimit")) ?? []) {
    if (remaining === 0) waitMs = Math.max(waitMs, windowMs);
  }
  return waitMs;
}

const DIGITS = /^\d{1,10}$/;
// The three forms of HTTP-date (RFC 9110 §5.6.7). Date.parse takes much else, "5.5" for one.
const HTTP_DATE =
  /^(?:[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} GMT|[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d [\d:]{8} GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4})$/;

/** A Retry-After in ms; 0 for a date in the past, undefined for what is none. */
export function parseRetryAfter(value: string | null, wallMs: number): number | undefined {
  const text = value?.trim() ?? "";
  if (DIGITS.test(text)) return Number(text) * 1000;
  if (!HTTP_DATE.test(text)) return undefined;
  // The asctime form says nothing about its zone, which is GMT all the same.
  const atMs = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - wallMs);
}

/** Until when keys stay away. No timer: what has run out goes when somebody looks. */
export class Pauses {
  // Invariant: at most `#keysMax`; the one that was paused first is forgotten for another.
  readonly #untilMs = new Map<string | undefined, number>();
  readonly #keysMax: number;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  /** For how many ms a key still has to stay away; 0: not at all. */
  leftMs(key: string | undefined, nowMs: number): number {
    const untilMs = this.#untilMs.get(key);
    if (untilMs === undefined) return 0;
    if (untilMs <= nowMs) this.#untilMs.delete(key);
    return Math.max(0, untilMs - nowMs);
  }

  /** Makes a key stay away, for no less than it has to already. */
  pause(key: string | undefined, nowMs: number, waitMs: number): void {
    if (waitMs <= this.leftMs(key, nowMs)) return;
    this.#untilMs.delete(key);
    for (const first of this.#untilMs.keys()) {
      if (this.#untilMs.size < this.#keysMax) break;
      this.#untilMs.delete(first);
    }
    this.#untilMs.set(key, nowMs + waitMs);
  }
}
