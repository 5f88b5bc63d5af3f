// Which route a request takes, as Envoy finds it: the virtual host by the authority, and in it the
// first route that matches. There is no going back: a virtual host without a matching route does
// not hand the request to another one.
//
// Everything is made ready when a snapshot is taken, so that a lookup makes nothing: no copies of
// the path, no lists. Regular expressions and the values of query parameters need their own text
// where there is a query, and get it.
import type { Random } from "@compendium/runtime";
import type { RequestHead } from "../codec/codec.ts";
import type { RouteConfig, RouteMatch, VirtualHostConfig } from "../config/route-config.ts";
import { DomainTable } from "./domain-table.ts";
import { matchesHeader } from "./header-matcher.ts";
import { endOfPath, matchesQuery } from "./query.ts";
import { inLowerCase } from "./string-matcher.ts";

/** A route, and the virtual host that it stands in. */
export interface FoundRoute {
  readonly virtualHost: VirtualHostConfig;
  readonly route: RouteConfig;
}

interface Host {
  readonly virtualHost: VirtualHostConfig;
  readonly routes: readonly FoundRoute[];
}

/** What a route table is made of. */
export interface RouteTableOptions {
  readonly virtualHosts: readonly VirtualHostConfig[];
  /** Whether `example.com:8080` is looked up as `example.com`. */
  readonly ignoresPort: boolean;
  /** For routes that match a fraction. */
  readonly random: Random;
}

/** Virtual hosts, made ready for lookup. */
export class RouteTable {
  readonly #domains = new DomainTable<Host>();
  readonly #ignoresPort: boolean;
  readonly #random: Random;

  constructor({ virtualHosts, ignoresPort, random }: RouteTableOptions) {
    this.#ignoresPort = ignoresPort;
    this.#random = random;
    for (const virtualHost of virtualHosts) {
      const routes = virtualHost.routes.map((route) => ({ virtualHost, route }));
      const host = { virtualHost, routes };
      for (const domain of virtualHost.domains) this.#domains.add(domain.toLowerCase(), host);
    }
  }

  /** The route of this request, `undefined` when there is none. The path must be normalised. */
  find(head: RequestHead): FoundRoute | undefined {
    const host = this.#host(head.authority);
    if (host === undefined) return undefined;
    const pathEnd = endOfPath(head.path);
    for (const found of host.routes) {
      if (this.#matches(found.route.match, head, pathEnd)) return found;
    }
    return undefined;
  }

  /** The virtual host of this request, whether it has a route or not. */
  virtualHostOf(head: RequestHead): VirtualHostConfig | undefined {
    return this.#host(head.authority)?.virtualHost;
  }

  #host(authority: string): Host | undefined {
    const host = inLowerCase(authority);
    return this.#domains.find(this.#ignoresPort ? withoutPort(host) : host);
  }

  #matches(match: RouteMatch, head: RequestHead, pathEnd: number): boolean {
    if (!matchesPath(match, head.path, pathEnd)) return false;
    for (const matcher of match.headers) if (!matchesHeader(matcher, head)) return false;
    if (match.query.length > 0 && !matchesQuery(match.query, head.path, pathEnd)) return false;
    if (match.grpcOnly && !isGrpc(head)) return false;
    // Last, so that chance is asked only about requests that would match.
    return match.fraction === undefined || this.#random.below(1_000_000) < match.fraction;
  }
}

/** Whether a request is a gRPC call: application/grpc, or that and `+proto`. */
export function isGrpc(head: RequestHead): boolean {
  const type = head.fields.get("content-type");
  if (type === undefined || !type.startsWith("application/grpc")) return false;
  const after = type.charCodeAt(16);
  // The end, "+", ";" or a space: application/grpc-web is another protocol.
  return Number.isNaN(after) || after === 0x2b || after === 0x3b || after === 0x20;
}

/** `example.com` for `example.com:8080`, `[::1]` for `[::1]:8080`. */
export function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(":");
  // In "[::1]" the last colon is one of the address.
  if (colon === -1 || authority.indexOf("]", colon) !== -1) return authority;
  return authority.slice(0, colon);
}

function matchesPath({ path: wanted, ignoreCase }: RouteMatch, path: string, end: number): boolean {
  if (wanted.kind === "regex") {
    return wanted.value.matches(end === path.length ? path : path.slice(0, end));
  }
  const { value } = wanted;
  if (value.length > end || !startsWith(path, value, ignoreCase)) return false;
  if (wanted.kind === "prefix" || value.length === end) return true;
  return wanted.kind === "separated-prefix" && path.charCodeAt(value.length) === 0x2f;
}

/** Whether a path begins with a text, which is in lower case where case is ignored. */
function startsWith(path: string, value: string, ignoreCase: boolean): boolean {
  if (!ignoreCase) return path.startsWith(value);
  for (let i = 0; i < value.length; i++) {
    const code = path.charCodeAt(i);
    const lower = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
    if (lower !== value.charCodeAt(i)) return false;
  }
  return true;
}
