// What a request must look like for a route to be its own.
import type { HeaderMatcher, RouteMatch, StringMatcher } from "../route-config.ts";
import {
  defaulted,
  type Message,
  message,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import { shown } from "../schema/node.ts";
import { bool, list, name, type Reader, refine, text } from "../schema/reader.ts";
import { headerMatcher, regexMatcher, runtimeFraction, stringMatcher } from "./types.ts";

const queryParameter: Message<{
  readonly name: string;
  readonly value: StringMatcher | undefined;
}> = message(
  "envoy.config.route.v3.QueryParameterMatcher",
  {
    name: required(name),
    string_match: optional(stringMatcher),
    present_match: optional(
      refine(bool, (value, node) => {
        return value || node.fail("must be true, got false", "match the parameter's value");
      }),
    ),
  },
  ({ name: parameter, stringMatch }) => ({ name: parameter, value: stringMatch }),
  { atMostOneOf: [["string_match", "present_match"]] },
);

const grpc = message(
  "envoy.config.route.v3.RouteMatch.GrpcRouteMatchOptions",
  {},
  () => true as const,
);

/** Must begin with a slash: every path does, and a route without one would never be taken. */
const pathText: Reader<string> = refine(text, (value, node) => {
  if (value.startsWith("/")) return value;
  return node.fail(`${shown(value)} does not begin with "/"`, "no path would match; add it");
});

/** Where "" means every path, as in Envoy. */
const prefixText: Reader<string> = refine(text, (value, node) => {
  if (value === "" || value.startsWith("/")) return value;
  return node.fail(`${shown(value)} does not begin with "/"`, "no path would match; add it");
});

const separatedText: Reader<string> = refine(pathText, (value, node) => {
  if (!/[?#]|\/$/.test(value)) return value;
  return node.fail(`${shown(value)} has "?", "#" or a last "/"`, "take it out");
});

/** All of it must hold. */
export const routeMatch: Message<RouteMatch> = message(
  "envoy.config.route.v3.RouteMatch",
  {
    prefix: optional(prefixText),
    path: optional(pathText),
    path_separated_prefix: optional(separatedText),
    safe_regex: optional(regexMatcher),
    connect_matcher: refused("use tcp_proxy: CONNECT is not routed"),
    path_match_policy: refused("use safe_regex"),
    case_sensitive: defaulted(bool, true),
    headers: defaulted(list(headerMatcher), []),
    query_parameters: defaulted(list(queryParameter), []),
    runtime_fraction: optional(runtimeFraction),
    grpc: optional(grpc),
    tls_context: refused("authorize with RBAC instead"),
    dynamic_metadata: refused("use headers"),
    filter_state: refused("use headers"),
    cookies: refused("use headers with a safe_regex on cookie"),
  },
  (values) => ({
    path: pathOf(values),
    ignoreCase: !values.caseSensitive,
    headers: values.headers as readonly HeaderMatcher[],
    query: values.queryParameters,
    fraction: values.runtimeFraction,
    grpcOnly: values.grpc ?? false,
  }),
  {
    oneOf: [
      [
        "prefix",
        "path",
        "path_separated_prefix",
        "safe_regex",
        "connect_matcher",
        "path_match_policy",
      ],
    ],
  },
);

function pathOf(values: {
  readonly prefix: string | undefined;
  readonly path: string | undefined;
  readonly pathSeparatedPrefix: string | undefined;
  readonly safeRegex: Extract<RouteMatch["path"], { kind: "regex" }>["value"] | undefined;
  readonly caseSensitive: boolean;
}): RouteMatch["path"] {
  const { prefix, path, pathSeparatedPrefix: separated, safeRegex } = values;
  if (safeRegex !== undefined) return { kind: "regex", value: safeRegex };
  const folded = (value: string): string => (values.caseSensitive ? value : value.toLowerCase());
  if (path !== undefined) return { kind: "exact", value: folded(path) };
  if (separated !== undefined) return { kind: "separated-prefix", value: folded(separated) };
  return { kind: "prefix", value: folded(prefix ?? "") };
}

/** Whether every request that the second matches is matched by the first. */
export function covers(first: RouteMatch, second: RouteMatch): boolean {
  const isPlain =
    first.headers.length === 0 &&
    first.query.length === 0 &&
    !first.grpcOnly &&
    (first.fraction === undefined || first.fraction >= 1_000_000);
  if (!isPlain || first.ignoreCase !== second.ignoreCase) return false;
  const wide = first.path;
  const narrow = second.path;
  if (wide.kind === "prefix" && wide.value.length <= 1) return true;
  if (wide.kind === "regex" || narrow.kind === "regex") {
    return wide.kind === narrow.kind && String(wide.value) === String(narrow.value);
  }
  if (wide.kind === "exact") return narrow.kind === "exact" && wide.value === narrow.value;
  if (!narrow.value.startsWith(wide.value)) return false;
  if (wide.kind === "prefix") return true;
  // A separated prefix ends at a slash or at the end, and so does what lies below it; a plain
  // prefix of the same letters goes on to what does not.
  const rest = narrow.value.slice(wide.value.length);
  return rest.startsWith("/") || (rest === "" && narrow.kind !== "prefix");
}
