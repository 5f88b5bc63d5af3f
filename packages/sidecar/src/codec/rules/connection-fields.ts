// What a message says about the connection and about its own length, and what is left of its fields
// without that (RFC 9110 §7.6.1). The same on the way in and on the way out, for requests and for
// responses: a field of the connection never crosses the proxy.
import type { RefusalReason } from "./refusals.ts";

/** What the fields of one HTTP/1.1 message say. */
export interface ConnectionFacts {
  /** Names and values that may be passed on. */
  readonly flat: string[];
  /** Of Host; there may be none. */
  readonly host: string | undefined;
  readonly contentLength: number | undefined;
  readonly isChunked: boolean;
  readonly closes: boolean;
  readonly keepsAlive: boolean;
  /** What Upgrade offers, if Connection names it: one protocol, in lower case. */
  readonly upgrade: string | undefined;
  readonly asksForUpgrade: boolean;
  readonly expectsContinue: boolean;
}

interface Draft {
  host: string | undefined;
  contentLength: number | undefined;
  coding: string | undefined;
  connection: string | undefined;
  upgrade: string | undefined;
  te: string | undefined;
  expectsContinue: boolean;
}

// TE, Upgrade and Connection are read; the others, some of them older than the rule, are for the
// connection alone as well (RFC 9110 §7.6.1, §11.7). HTTP2-Settings: RFC 9113 §3.1.
const ofConnection: ReadonlySet<string> = new Set([
  "connection",
  "transfer-encoding",
  "upgrade",
  "te",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "http2-settings",
  "host",
]);

// "A sender MUST NOT send a connection option corresponding to a header field that is intended for
// all recipients" (RFC 9110 §7.6.1). To remove these would change what the message is, or who sent
// it: that is what a nomination is used for in attacks.
const neverNominated: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "content-type",
  "content-encoding",
  "expect",
  "cookie",
  "authorization",
  "via",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "cache-control",
]);

/** Reads the fields of a message; names must be in lower case. */
export function readConnectionFields(flat: readonly string[]): ConnectionFacts | RefusalReason {
  const draft: Draft = {
    host: undefined,
    contentLength: undefined,
    coding: undefined,
    connection: undefined,
    upgrade: undefined,
    te: undefined,
    expectsContinue: false,
  };
  const kept: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!;
    const refusal = note(draft, name, flat[i + 1]!);
    if (refusal !== undefined) return refusal;
    // The number and not the text: "007" is seven to one reader and an octal number to another.
    if (name === "content-length") kept.push(name, String(draft.contentLength));
    else if (!ofConnection.has(name)) kept.push(name, flat[i + 1]!);
  }
  return conclude(draft, kept);
}

function note(draft: Draft, name: string, value: string): RefusalReason | undefined {
  switch (name) {
    case "host":
      if (draft.host !== undefined) return "host";
      draft.host = value;
      return;
    case "content-length":
      // RFC 9112 §6.3 lets a list of equal numbers pass. Fifteen digits are exact in a double.
      if (draft.contentLength !== undefined || !/^\d{1,15}$/.test(value)) return "content-length";
      draft.contentLength = Number(value);
      return;
    case "transfer-encoding":
      if (draft.coding !== undefined) return "transfer-encoding";
      draft.coding = value.toLowerCase();
      return;
    case "connection":
      draft.connection = joined(draft.connection, value);
      return;
    case "upgrade":
      draft.upgrade = joined(draft.upgrade, value);
      return;
    case "te":
      draft.te = joined(draft.te, value);
      return;
    case "expect":
      if (value.toLowerCase() !== "100-continue") return "expect";
      draft.expectsContinue = true;
  }
  return undefined;
}

const joined = (list: string | undefined, value: string): string =>
  list === undefined ? value.toLowerCase() : `${list},${value.toLowerCase()}`;

const none: readonly string[] = [];

const listed = (list: string | undefined): readonly string[] =>
  list === undefined ? none : list.split(",").map((option) => option.trim());

function conclude(draft: Draft, kept: string[]): ConnectionFacts | RefusalReason {
  const { coding } = draft;
  if (coding !== undefined) {
    if (draft.contentLength !== undefined) return "length-and-coding";
    if (coding !== "chunked") {
      return /^[a-z-]+(\s*,\s*chunked)?$/.test(coding) && !/^(identity|chunked)/.test(coding)
        ? "transfer-coding"
        : "transfer-encoding";
    }
  }
  const options = listed(draft.connection);
  for (const option of options) if (neverNominated.has(option)) return "connection";
  const nominated = options.filter((option) => option !== "" && !ofConnection.has(option));
  const flat = nominated.length === 0 ? kept : without(kept, new Set(nominated));
  // TE: trailers says something about the client as well (gRPC asks for it end to end), and is the
  // one value that HTTP/2 lets through (RFC 9113 §8.2.2).
  if (listed(draft.te).includes("trailers")) flat.push("te", "trailers");
  const offers = listed(draft.upgrade);
  return {
    flat,
    host: draft.host,
    contentLength: draft.contentLength,
    isChunked: coding !== undefined,
    closes: options.includes("close"),
    keepsAlive: options.includes("keep-alive"),
    upgrade: offers.length === 1 && options.includes("upgrade") ? offers[0] : undefined,
    asksForUpgrade: offers.length > 0,
    expectsContinue: draft.expectsContinue,
  };
}

function without(flat: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    if (!names.has(flat[i]!)) kept.push(flat[i]!, flat[i + 1]!);
  }
  return kept;
}

/** Whether a trailer of this name may be passed on: what frames, routes, authenticates or describes
 * the content had to come before it (RFC 9110 §6.5.1). */
export function isTrailerAllowed(name: string): boolean {
  return !ofConnection.has(name) && !neverNominated.has(name) && !neverTrailers.has(name);
}

const neverTrailers: ReadonlySet<string> = new Set([
  "trailer",
  "set-cookie",
  "content-range",
  "range",
  "age",
  "date",
  "expires",
  "location",
  "retry-after",
  "vary",
  "warning",
  "max-forwards",
  "www-authenticate",
]);
