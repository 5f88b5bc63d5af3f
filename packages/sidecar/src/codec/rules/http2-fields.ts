// The field section of an HTTP/2 request or response: pseudo-fields first, once and complete, names
// in lower case, nothing of HTTP/1.1's connections. nghttp2 checks much of it below node:http2;
// what it lets through (an authority beside another Host, a target that no HTTP/1.1 request line
// could carry) would become ambiguous on the way to an HTTP/1.1 upstream. One thing cannot be seen
// from here: a field whose name or value has bytes that no field may have is dropped by nghttp2,
// where §8.2.1 wants the request to be malformed; upstream never gets it.
// Reference: RFC 9113 §8.2 (fields), §8.3 (pseudo-fields); RFC 8441 (extended CONNECT).
import type { RequestHead, ResponseHead } from "../codec.ts";
import { Fields } from "../fields.ts";
import { readConnectionFields } from "./connection-fields.ts";
import { isAlias, token } from "./field-lines.ts";
import { isRefusal, type RefusalReason } from "./refusals.ts";
import { isAuthority, isPath, isSameAuthority, isScheme } from "./request-head.ts";

/** Of a request: what it is, and what its Content-Length says. */
export interface Http2RequestHead {
  readonly head: RequestHead;
  readonly contentLength: number | undefined;
}

interface Sorted {
  readonly pseudo: Map<string, string>;
  readonly flat: string[];
}

/** What a request is read with. */
export interface Http2RequestRules {
  readonly headersMax: number;
  /** In lower case: "websocket". Any other is refused. */
  readonly upgrades: ReadonlySet<string>;
}

/** @param raw name, value, name, value… as they came */
export function readHttp2Request(
  raw: readonly string[],
  { headersMax, upgrades }: Http2RequestRules,
): Http2RequestHead | RefusalReason {
  const sorted = sort(raw, requestPseudo);
  if (isRefusal(sorted)) return sorted;
  const { pseudo, flat } = sorted;
  if (flat.length > headersMax * 2) return "fields-too-many";
  const facts = readConnectionFields(flat);
  if (isRefusal(facts)) return facts;
  const method = pseudo.get(":method");
  if (method === undefined || !/^[A-Z][A-Z-]*$/.test(method)) {
    return method === undefined ? "pseudo-field" : "method";
  }
  const upgrade = pseudo.get(":protocol")?.toLowerCase();
  if (method === "CONNECT" ? upgrade === undefined : upgrade !== undefined) {
    return method === "CONNECT" ? "connect" : "pseudo-field";
  }
  if (upgrade !== undefined && !upgrades.has(upgrade)) return "upgrade";
  // What follows is another protocol's, and has no length.
  if (upgrade !== undefined && facts.contentLength !== undefined) return "content-length";
  const scheme = pseudo.get(":scheme");
  const path = pseudo.get(":path");
  if (scheme === undefined || path === undefined) return "pseudo-field";
  if (!isScheme(scheme)) return "scheme";
  if (path === "*" ? method !== "OPTIONS" : !isPath(path)) return "target";
  // §8.3.1: Host is allowed beside :authority, and must not say something else.
  const authority = pseudo.get(":authority") ?? facts.host;
  if (authority === undefined || !isAuthority(authority)) return "host";
  if (facts.host !== undefined && !isSameAuthority(facts.host, authority)) return "host-mismatch";
  const fields = new Fields(facts.flat);
  const head: RequestHead = {
    // RFC 8441 §5: this CONNECT is what HTTP/1.1 does by a GET with Upgrade.
    method: upgrade === undefined ? method : "GET",
    scheme,
    authority,
    path,
    fields,
    protocol: "h2",
    upgrade,
  };
  return { head, contentLength: facts.contentLength };
}

/** @param raw name, value, name, value… as they came */
export function readHttp2Response(raw: readonly string[]): ResponseHead | RefusalReason {
  const sorted = sort(raw, responsePseudo);
  if (isRefusal(sorted)) return sorted;
  const status = sorted.pseudo.get(":status");
  if (status === undefined || !/^[1-5]\d\d$/.test(status)) return "pseudo-field";
  const facts = readConnectionFields(sorted.flat);
  if (isRefusal(facts)) return facts;
  return { status: Number(status), fields: new Fields(facts.flat) };
}

/** Trailers have no pseudo-fields (§8.1). */
export function readHttp2Trailers(raw: readonly string[]): string[] | RefusalReason {
  const sorted = sort(raw, noPseudo);
  return isRefusal(sorted) ? sorted : sorted.flat;
}

const requestPseudo: ReadonlySet<string> = new Set([
  ":method",
  ":scheme",
  ":authority",
  ":path",
  ":protocol",
]);
const responsePseudo: ReadonlySet<string> = new Set([":status"]);
const noPseudo: ReadonlySet<string> = new Set();

// §8.2.2: what only HTTP/1.1's connections mean; TE is looked at for its value.
const ofHttp1: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

// §8.2.1 forbids less; what HTTP/1.1 could not carry on is refused here.
const value = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

function sort(raw: readonly string[], known: ReadonlySet<string>): Sorted | RefusalReason {
  const pseudo = new Map<string, string>();
  const flat: string[] = [];
  let cookieAt = -1;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const text = raw[i + 1]!;
    if (!value.test(text)) return "h2-field";
    if (name.startsWith(":")) {
      if (!known.has(name) || pseudo.has(name) || flat.length > 0) return "pseudo-field";
      pseudo.set(name, text);
      continue;
    }
    if (!token.test(name) || name !== name.toLowerCase()) return "h2-field";
    if (ofHttp1.has(name) || (name === "te" && text.toLowerCase() !== "trailers")) {
      return "h2-connection-field";
    }
    if (isAlias(name)) return "field-alias";
    // §8.2.3: a cookie may come in crumbs, for better compression, and HTTP/1.1 must not see them.
    if (name === "cookie" && cookieAt !== -1) {
      flat[cookieAt] += `; ${text}`;
      continue;
    }
    flat.push(name, text);
    if (name === "cookie") cookieAt = flat.length - 1;
  }
  return { pseudo, flat };
}
