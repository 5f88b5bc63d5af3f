// Requests and routes for tests of what matches.

import type { RequestHead } from "../../src/codec/codec.ts";
import { Fields } from "../../src/codec/fields.ts";
import type {
  HeaderMatcher,
  RouteConfig,
  RouteMatch,
  StringMatcher,
  VirtualHostConfig,
} from "../../src/config/route-config.ts";

/** A request; what is given takes the place of what is usual. */
export function requestOf(
  path: string,
  changes: Partial<Omit<RequestHead, "fields">> & { readonly fields?: string[] } = {},
): RequestHead {
  return {
    method: "GET",
    scheme: "http",
    authority: "a.example",
    path,
    protocol: "http/1.1",
    upgrade: undefined,
    ...changes,
    fields: new Fields(changes.fields ?? []),
  };
}

/** A match of a path and nothing else, but for what is given. */
export function matchOf(path: RouteMatch["path"], changes: Partial<RouteMatch> = {}): RouteMatch {
  return {
    path,
    ignoreCase: false,
    headers: [],
    query: [],
    fraction: undefined,
    grpcOnly: false,
    ...changes,
  };
}

const none = { request: [], response: [] };

/** A route that answers by itself; only its name is looked at. */
export function routeOf(name: string, match: RouteMatch): RouteConfig {
  return {
    name,
    match,
    action: { kind: "direct", status: 200, body: new Uint8Array(), fields: new Fields() },
    headers: none,
    filters: new Map(),
  };
}

/** A virtual host with these routes, or with one that takes everything. */
export function hostOf(
  name: string,
  domains: readonly string[],
  routes: readonly RouteConfig[] = [routeOf(name, matchOf({ kind: "prefix", value: "/" }))],
): VirtualHostConfig {
  return { name, domains, routes, requiresTls: false };
}

/** A matcher of a text as it stands. */
export const exactly = (value: string): StringMatcher => ({
  kind: "exact",
  value,
  ignoreCase: false,
});

/** A matcher of a header's text. */
export const headerIs = (name: string, value: StringMatcher, invert = false): HeaderMatcher => ({
  name,
  match: { kind: "string", value },
  invert,
});
