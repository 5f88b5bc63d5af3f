// The RateLimit field of draft-ietf-httpapi-ratelimit-headers-11 §4, as a client reads it: a List
// of Strings with parameters in the grammar of Structured Fields (RFC 9651 §4.2). It comes from a
// stranger, so it is read strictly and under a limit, and what does not follow the grammar counts
// as absent (§7: "Malformed RateLimit header fields MUST be ignored").
//
// Left out: what bytes a Byte Sequence holds, and Display Strings; no parameter that matters has
// either.

/** What a server says is left under one of its policies. */
export interface ServiceLimit {
  /** The name of the policy. */
  readonly policy: string;
  /** Quota that is left (`r`). A whole number from 0. */
  readonly remaining: number;
  /** The ms in which no more than that can be used (`t`); undefined where it is not said. */
  readonly windowMs: number | undefined;
}

// Far above any field that a server means well with.
const LENGTH_MAX = 4096;

/** Reads a RateLimit field; undefined for what is none. O(length). */
export function parseRateLimit(field: string | null | undefined): ServiceLimit[] | undefined {
  if (field === null || field === undefined || field.length > LENGTH_MAX) return undefined;
  const reader = new Reader(field);
  const limits: ServiceLimit[] = [];
  reader.take(SPACES);
  do {
    if (limits.length > 0) reader.take(OPTIONAL_SPACE);
    const limit = readLimit(reader);
    if (limit === undefined) return undefined;
    limits.push(limit);
    reader.take(OPTIONAL_SPACE);
  } while (reader.take(COMMA) !== undefined);
  return reader.atEnd ? limits : undefined;
}

const SPACES = / */y;
const OPTIONAL_SPACE = /[ \t]*/y;
const COMMA = /,/y;
const SEMICOLON = /; */y;
const KEY = /[a-z*][a-z\d_.*-]*/y;
const EQUALS = /=/y;
const STRING = /"(?:[ !#-[\]-~]|\\["\\])*"/y;
// Every other bare item: numbers and dates, tokens, bytes, booleans.
const INTEGER = /-?\d{1,15}(?![\d.])/y;
const OTHER =
  /-?\d{1,12}\.\d{1,3}(?!\d)|@-?\d{1,15}(?![\d.])|[a-z*][\w!#$%&'*+.^`|~:/-]*|:[a-z\d+/=]*:|\?[01]/iy;

function readLimit(reader: Reader): ServiceLimit | undefined {
  const name = reader.take(STRING);
  if (name === undefined) return undefined;
  // The last of two parameters with one name counts (RFC 9651 §4.2.3.2).
  const numbers = new Map<string, number | undefined>();
  while (reader.take(SEMICOLON) !== undefined) {
    const key = reader.take(KEY);
    if (key === undefined) return undefined;
    numbers.set(key, undefined);
    if (reader.take(EQUALS) === undefined) continue;
    const integer = reader.take(INTEGER);
    if (integer !== undefined) numbers.set(key, Number(integer));
    else if ((reader.take(STRING) ?? reader.take(OTHER)) === undefined) return undefined;
  }
  const remaining = numbers.get("r");
  const windowS = numbers.get("t");
  if (remaining === undefined || remaining < 0) return undefined;
  if (numbers.has("t") && (windowS === undefined || windowS < 0)) return undefined;
  return {
    policy: name.slice(1, -1).replaceAll(/\\(.)/g, "$1"),
    remaining,
    windowMs: windowS === undefined ? undefined : windowS * 1000,
  };
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.replace(/ +$/, "");
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  /** What of a sticky pattern stands here; undefined, and nothing taken, where it does not. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [match] = pattern.exec(this.#text) ?? [];
    if (match !== undefined) this.#at += match.length;
    return match;
  }
}
