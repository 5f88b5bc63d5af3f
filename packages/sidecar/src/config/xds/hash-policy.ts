// What consistent hashing hashes.

import type { HashPolicy } from "../route-config.ts";
import {
  defaulted,
  type Message,
  message,
  optional,
  refused,
  required,
} from "../schema/message.ts";

import { bool, duration, headerName, headerValue, name } from "../schema/reader.ts";

const hashHeader = message(
  "envoy.config.route.v3.RouteAction.HashPolicy.Header",
  { header_name: required(headerName), regex_rewrite: refused("hash the whole value") },
  (values) => values.headerName,
);

const hashCookie = message(
  "envoy.config.route.v3.RouteAction.HashPolicy.Cookie",
  {
    name: required(name),
    ttl: optional(duration),
    path: defaulted(headerValue, ""),
    attributes: refused("take them out: the cookie is HttpOnly"),
  },
  (values) => values,
);

const hashConnection = message(
  "envoy.config.route.v3.RouteAction.HashPolicy.ConnectionProperties",
  { source_ip: required(bool) },
  ({ sourceIp }, node) => {
    return sourceIp || node.fail("source_ip must be true, got false", "take the policy out");
  },
);

const hashQuery = message(
  "envoy.config.route.v3.RouteAction.HashPolicy.QueryParameter",
  { name: required(name) },
  (values) => values.name,
);

/** One of the things to hash. */
export const hashPolicy: Message<HashPolicy> = message(
  "envoy.config.route.v3.RouteAction.HashPolicy",
  {
    header: optional(hashHeader),
    cookie: optional(hashCookie),
    connection_properties: optional(hashConnection),
    query_parameter: optional(hashQuery),
    filter_state: refused("use a header"),
    terminal: defaulted(bool, false),
  },
  ({ header, cookie, queryParameter, terminal }) => {
    if (header !== undefined) return { kind: "header", name: header, terminal };
    if (queryParameter !== undefined) return { kind: "query", name: queryParameter, terminal };
    if (cookie === undefined) return { kind: "source-ip", terminal };
    const { name: cookieName, ttl: ttlMs, path } = cookie;
    return { kind: "cookie", name: cookieName, ttlMs, path, terminal };
  },
  { oneOf: [["header", "cookie", "connection_properties", "query_parameter", "filter_state"]] },
);
