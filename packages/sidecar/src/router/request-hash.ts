// The hash of a request, for consistent hashing: what its route names, hashed by XXH64 and put
// together as Envoy does, so that both send a key to the same host (hash_policy.cc).
import { xxh64 } from "../balance/xxh64.ts";
import type { RequestHead, ResponseHead } from "../codec/codec.ts";
import type { HashPolicy } from "../config/route-config.ts";
import { headerOf } from "../match/header-matcher.ts";
import { queryParameter } from "../match/query.ts";
import type { RequestInfo } from "./request-info.ts";

/** What a route's policies make of a request. */
export interface HashedRequest {
  readonly hash: bigint | undefined;
  /** A cookie that is to be set, so that the client's next request has the same hash. */
  readonly cookie: string | undefined;
}

const TOP = 63n;

/** The hash of this request; `undefined` where no policy finds anything. */
export function hashRequest(
  policies: readonly HashPolicy[],
  head: RequestHead,
  info: RequestInfo,
): HashedRequest {
  let hash: bigint | undefined;
  let cookie: string | undefined;
  for (const policy of policies) {
    let value = hashedValue(policy, head, info);
    if (value === undefined && policy.kind === "cookie" && policy.ttlMs !== undefined) {
      value = cookieValue(info);
      cookie = setCookie(policy.name, value, policy.ttlMs, policy.path);
    }
    if (value !== undefined) {
      const next = xxh64(value);
      hash = hash === undefined ? next : rotated(hash) ^ next;
    }
    if (policy.terminal && hash !== undefined) break;
  }
  return { hash, cookie };
}

/** Sets the cookie, if there is one to be set. */
export function addCookie({ fields }: ResponseHead, { cookie }: HashedRequest): void {
  if (cookie !== undefined) fields.append("set-cookie", cookie);
}

function hashedValue(policy: HashPolicy, head: RequestHead, info: RequestInfo): string | undefined {
  switch (policy.kind) {
    case "source-ip":
      return info.remoteAddress;
    case "query":
      return queryParameter(head.path, policy.name);
    case "cookie":
      // One without a value is as good as none.
      return cookieOf(head, policy.name) || undefined;
    case "header":
      return headerValue(head, policy.name);
  }
}

function headerValue(head: RequestHead, name: string): string | undefined {
  if (name.startsWith(":") || name === "host") return headerOf(head, name);
  const values = head.fields.all(name);
  // The order in which a list was sent says nothing.
  return values.length === 0 ? undefined : values.sort().join("");
}

function cookieOf({ fields }: RequestHead, name: string): string | undefined {
  for (const line of fields.all("cookie")) {
    for (const pair of line.split(";")) {
      const at = pair.indexOf("=");
      if (at === -1 || pair.slice(0, at).trim() !== name) continue;
      return pair
        .slice(at + 1)
        .trim()
        .replace(/^"(.*)"$/, "$1");
    }
  }
  return undefined;
}

// Of the connection: requests on it that race each other get the same one.
function cookieValue({ peer }: RequestInfo): string {
  const { remoteAddress, remotePort, localAddress, localPort } = peer;
  const hash = xxh64(`${remoteAddress}:${remotePort}${localAddress}:${localPort}`);
  return hash.toString(16).padStart(16, "0");
}

function setCookie(name: string, value: string, ttlMs: number, path: string): string {
  const age = ttlMs === 0 ? "" : `; Max-Age=${Math.ceil(ttlMs / 1_000)}`;
  return `${name}="${value}"${age}${path === "" ? "" : `; Path=${path}`}; HttpOnly`;
}

const rotated = (hash: bigint): bigint => BigInt.asUintN(64, hash << 1n) | (hash >> TOP);
