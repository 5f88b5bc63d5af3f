// Which route a request takes: the virtual host by the authority (exact, then the longest "*.suffix",
// then the longest "prefix.*", then "*"), and in it the first route that matches. Envoy's order.
import type { RequestHead } from "../codec/codec.ts";
import type {
  HeaderMatcher,
  RouteConfig,
  RouteMatch,
  StringMatcher,
  VirtualHostConfig,
} from "../config/route-config.ts";

/** A route, and the virtual host that it stands in. */
export interface FoundRoute {
  readonly virtualHost: VirtualHostConfig;
  readonly route: RouteConfig;
}

/** Virtual hosts, made ready for lookup. */
export class RouteTable {
  readonly #exact = new Map<string, VirtualHostConfig>();
  readonly #suffixes: [string, VirtualHostConfig][] = [];
  readonly #prefixes: [string, VirtualHostConfig][] = [];
  readonly #chance: () => number;
  #any: VirtualHostConfig | undefined;

  /** @param chance a whole number below a million, for routes that match a fraction */
  constructor(virtualHosts: readonly VirtualHostConfig[], chance: () => number) {
    this.#chance = chance;
    for (const virtualHost of virtualHosts) {
      for (const domain of virtualHost.domains) this.#add(domain.toLowerCase(), virtualHost);
    }
    const longestFirst = (a: [string, unknown], b: [string, unknown]): number =>
      b[0].length - a[0].length;
    this.#suffixes.sort(longestFirst);
    this.#prefixes.sort(longestFirst);
  }

  /** The route of this request, `undefined` when there is none. */
  find(head: RequestHead): FoundRoute | undefined {
    const virtualHost = this.#virtualHost(head.authority.toLowerCase());
    if (virtualHost === undefined) return undefined;
    const route = virtualHost.routes.find(({ match }) => this.#matches(match, head));
    return route && { virtualHost, route };
  }

  #add(domain: string, virtualHost: VirtualHostConfig): void {
    if (domain === "*") this.#any = virtualHost;
    else if (domain.startsWith("*")) this.#suffixes.push([domain.slice(1), virtualHost]);
    else if (domain.endsWith("*")) this.#prefixes.push([domain.slice(0, -1), virtualHost]);
    else this.#exact.set(domain, virtualHost);
  }

  #virtualHost(authority: string): VirtualHostConfig | undefined {
    const host = authority.replace(/:\d*$/, "");
    return (
      this.#exact.get(authority) ??
      this.#exact.get(host) ??
      this.#suffixes.find(
        ([suffix]) => host.endsWith(suffix) && host.length > suffix.length,
      )?.[1] ??
      this.#prefixes.find(
        ([prefix]) => host.startsWith(prefix) && host.length > prefix.length,
      )?.[1] ??
      this.#any
    );
  }

  #matches(match: RouteMatch, head: RequestHead): boolean {
    return (
      matchesPath(match, head.path) &&
      match.headers.every((matcher) => matchesHeader(matcher, head)) &&
      matchesQuery(match, head.path) &&
      (!match.grpcOnly || isGrpc(head)) &&
      (match.fraction === undefined || this.#chance() < match.fraction)
    );
  }
}

/** Whether a request is a gRPC call, by its content type. */
export function isGrpc(head: RequestHead): boolean {
  const type = head.fields.get("content-type");
  return type !== undefined && /^application\/grpc(?:[+;]|$)/.test(type);
}

function matchesPath({ path: wanted, ignoreCase }: RouteMatch, target: string): boolean {
  const query = target.indexOf("?");
  const raw = query === -1 ? target : target.slice(0, query);
  if (wanted.kind === "regex") return wanted.value.matches(raw);
  const path = ignoreCase ? raw.toLowerCase() : raw;
  const value = ignoreCase ? wanted.value.toLowerCase() : wanted.value;
  if (wanted.kind === "exact") return path === value;
  if (!path.startsWith(value)) return false;
  return wanted.kind === "prefix" || path.length === value.length || path[value.length] === "/";
}

function matchesHeader({ name, match, invert }: HeaderMatcher, head: RequestHead): boolean {
  const value = shownValue(name, head);
  // A header that is not there is neither like the pattern nor unlike it.
  if (value === undefined) return match.kind === "present" && invert;
  return isLike(match, value) !== invert;
}

function isLike(match: HeaderMatcher["match"], value: string): boolean {
  switch (match.kind) {
    case "present":
      return true;
    case "string":
      return matchesString(match.value, value);
    case "range":
      return /^-?\d+$/.test(value) && Number(value) >= match.from && Number(value) < match.to;
  }
}

function shownValue(name: string, head: RequestHead): string | undefined {
  switch (name) {
    case ":method":
      return head.method;
    case ":path":
      return head.path;
    case ":authority":
      return head.authority;
    case ":scheme":
      return head.scheme;
    default:
      return head.fields.joined(name);
  }
}

function matchesQuery({ query: wanted }: RouteMatch, target: string): boolean {
  if (wanted.length === 0) return true;
  const at = target.indexOf("?");
  const parameters = new URLSearchParams(at === -1 ? "" : target.slice(at + 1));
  return wanted.every(({ name, value }) => {
    const found = parameters.get(name);
    return found !== null && (value === undefined || matchesString(value, found));
  });
}

/** Whether a text is what a matcher looks for. */
export function matchesString(matcher: StringMatcher, text: string): boolean {
  if (matcher.kind === "regex") return matcher.value.matches(text);
  const wanted = matcher.ignoreCase ? matcher.value.toLowerCase() : matcher.value;
  const given = matcher.ignoreCase ? text.toLowerCase() : text;
  switch (matcher.kind) {
    case "exact":
      return given === wanted;
    case "prefix":
      return given.startsWith(wanted);
    case "suffix":
      return given.endsWith(wanted);
    case "contains":
      return given.includes(wanted);
  }
}
