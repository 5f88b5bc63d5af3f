// The head of an HTTP/1.1 request: from its text to what the proxy knows of a request, or to the
// rule that it breaks. Reference: RFC 9112 §3 (request line, target), RFC 9110 §7.2 (Host).
import type { Protocol, RequestHead } from "../codec.ts";
import { Fields } from "../fields.ts";
import { type ConnectionFacts, readConnectionFields } from "./connection-fields.ts";
import { readFieldLines, type SectionLimits } from "./field-lines.ts";
import { isRefusal, type RefusalReason } from "./refusals.ts";

/** A head that has one meaning. */
export interface Http1RequestHead {
  readonly head: RequestHead;
  /** 0 is no body; Infinity is chunked. */
  readonly bodyBytes: number;
  /** Whether another request may follow. */
  readonly isPersistent: boolean;
  readonly expectsContinue: boolean;
  /** Whether it asks for another protocol, shown or not. */
  readonly asksForUpgrade: boolean;
}

/** What a head is read with. */
export interface RequestRules extends SectionLimits {
  /** In lower case: "websocket". What is not among them is not shown (RFC 9110 §7.8). */
  readonly upgrades: ReadonlySet<string>;
  /** Of the connection, for targets that name none. */
  readonly scheme: string;
}

/** @param text in latin1, without the empty line that ends it */
export function readRequestHead(
  text: string,
  rules: RequestRules,
): Http1RequestHead | RefusalReason {
  const lineEnd = text.indexOf("\r\n");
  const line = lineEnd === -1 ? text : text.slice(0, lineEnd);
  const start = readRequestLine(line);
  if (isRefusal(start)) return start;
  const lines = lineEnd === -1 ? [] : readFieldLines(text, lineEnd + 2, rules);
  if (isRefusal(lines)) return lines;
  const facts = readConnectionFields(lines);
  if (isRefusal(facts)) return facts;
  return assemble(start, facts, rules);
}

interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly protocol: Protocol;
}

// RFC 9112 §3 lets a server split at any whitespace; then "GET /a b HTTP/1.1" has two readings.
const requestLine = /^([\x21-\x7e\x80-\xff]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(\d)\.(\d)$/;

function readRequestLine(line: string): RequestLine | RefusalReason {
  const match = requestLine.exec(line);
  if (match === null) return /[\r\n]/.test(line) ? "line-ending" : "request-line";
  const [, method, target, major, minor] = match as unknown as [
    string,
    string,
    string,
    ...string[],
  ];
  if (major !== "1" || (minor !== "0" && minor !== "1")) return "version";
  // Methods are case-sensitive and no registered one has lower-case letters (RFC 9110 §9.1). A
  // server that knows better than its specification would take "get" for GET.
  if (!/^[A-Z][A-Z-]*$/.test(method)) return "method";
  if (method === "CONNECT") return "connect";
  return { method, target, protocol: minor === "1" ? "http/1.1" : "http/1.0" };
}

function assemble(
  { method, target, protocol }: RequestLine,
  facts: ConnectionFacts,
  { upgrades, scheme }: RequestRules,
): Http1RequestHead | RefusalReason {
  const { host, isChunked, contentLength = 0 } = facts;
  const is11 = protocol === "http/1.1";
  if (is11 ? host === undefined || !isAuthority(host) : host !== undefined && !isAuthority(host)) {
    return "host";
  }
  // "A server MUST treat as faulty" (RFC 9112 §6.1): the 1.0 recipient behind would not unchunk.
  if (!is11 && isChunked) return "coding-in-1.0";
  const place = locate(method, target, host);
  if (isRefusal(place)) return place;
  const bodyBytes = isChunked ? Number.POSITIVE_INFINITY : contentLength;
  if (method === "TRACE" && bodyBytes > 0) return "trace-body";
  const wants = is11 && bodyBytes === 0 && method === "GET" ? facts.upgrade : undefined;
  const head: RequestHead = {
    method,
    scheme: place.scheme ?? scheme,
    authority: place.authority,
    path: place.path,
    fields: new Fields(facts.flat),
    protocol,
    upgrade: wants !== undefined && upgrades.has(wants) ? wants : undefined,
  };
  return {
    head,
    bodyBytes,
    isPersistent: is11 ? !facts.closes : facts.keepsAlive && !facts.closes,
    expectsContinue: is11 && facts.expectsContinue && bodyBytes > 0,
    asksForUpgrade: facts.asksForUpgrade,
  };
}

interface Place {
  readonly scheme: string | undefined;
  readonly authority: string;
  readonly path: string;
}

function locate(method: string, target: string, host: string | undefined): Place | RefusalReason {
  if (target.startsWith("/")) {
    return isPath(target) ? { scheme: undefined, authority: host ?? "", path: target } : "target";
  }
  if (target === "*") {
    if (method !== "OPTIONS") return "target-form";
    return { scheme: undefined, authority: host ?? "", path: "*" };
  }
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)(.*)$/.exec(target);
  if (match === null) return "target";
  const [, scheme, authority, rest] = match as unknown as [string, string, string, string];
  if (!isScheme(scheme.toLowerCase())) return "scheme";
  if (!isAuthority(authority)) return "target";
  // RFC 9112 §3.2.2 prefers the target. A client whose Host says something else is in doubt about
  // whom it talks to, and so would be whoever stands behind.
  if (host !== undefined && !isSameAuthority(host, authority)) return "host-mismatch";
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  return isPath(path) ? { scheme: scheme.toLowerCase(), authority, path } : "target";
}

/** Schemes that the proxy serves. */
export const isScheme = (scheme: string): boolean => scheme === "http" || scheme === "https";

// More than RFC 3986 allows in a path (browsers and tools send quotes, braces and bars), less than
// arrives: a fragment is no part of a target, and a backslash is a slash to some.
const path = /^\/[\x21\x22\x24-\x5b\x5d-\x7e]*$/;

/** Whether this is an origin-form target: a path with its query. */
export const isPath = (text: string): boolean => path.test(text);

// reg-name (RFC 3986 §3.2.2) without sub-delims and percent-encoding, which no resolver knows, and
// without userinfo (RFC 9110 §4.2.4: "treat its presence as an error").
const authority = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Whether this is a host with an optional port. */
export const isAuthority = (text: string): boolean => authority.test(text);

/** Host names are case-insensitive (RFC 9110 §4.2.3). */
export const isSameAuthority = (a: string, b: string): boolean =>
  a === b || a.toLowerCase() === b.toLowerCase();
