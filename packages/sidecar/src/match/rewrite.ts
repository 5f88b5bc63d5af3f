// What is sent on instead: the path of a forwarded request, and the address of a redirect.
import type { RequestHead } from "../codec/codec.ts";
import type {
  ForwardAction,
  RedirectAction,
  RegexRewrite,
  RouteMatch,
} from "../config/route-config.ts";
import { endOfPath } from "./query.ts";
import { withoutPort } from "./route-table.ts";

type Rewrite = ForwardAction["rewrite"];

/** The path that is sent on, with its query; the path as it is where nothing is rewritten. */
export function rewritePath(rewrite: Rewrite, match: RouteMatch, path: string): string {
  if (rewrite === undefined) return path;
  const end = endOfPath(path);
  if (rewrite.kind === "regex") return absolute(rewriteAll(rewrite, path, end));
  // A whole path was matched by a regular expression, and is replaced as a whole.
  const matched = match.path.kind === "regex" ? end : match.path.value.length;
  return rewrite.value + path.slice(matched);
}

function rewriteAll({ pattern, substitution }: RegexRewrite, path: string, end: number): string {
  return pattern.replaceAll(path.slice(0, end), substitution) + path.slice(end);
}

// A substitution may have taken the first slash away, and "evil.example/" behind a host's name is
// another host.
function absolute(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}

/** The `Location` of a redirect. */
export function redirectLocation(
  redirect: RedirectAction,
  match: RouteMatch,
  head: RequestHead,
): string {
  const scheme = redirect.scheme ?? head.scheme;
  const host = redirect.host ?? hostOf(head, scheme, redirect.port !== undefined);
  const port = redirect.port === undefined ? "" : `:${redirect.port}`;
  return `${scheme}://${host}${port}${redirectPath(redirect, match, head.path)}`;
}

// The port that the client wrote is no use where another one is named, nor is the usual one of a
// scheme that is left.
function hostOf(head: RequestHead, scheme: string, hasPort: boolean): string {
  const { authority } = head;
  const bare = withoutPort(authority);
  const written = authority.slice(bare.length);
  const isUsual = written === (head.scheme === "https" ? ":443" : ":80");
  return hasPort || (scheme !== head.scheme && isUsual) ? bare : authority;
}

function redirectPath(redirect: RedirectAction, match: RouteMatch, path: string): string {
  const end = endOfPath(path);
  const { path: given, stripQuery } = redirect;
  const query = stripQuery ? "" : path.slice(end);
  if (given?.kind === "whole") {
    // A query of its own takes the place of the client's.
    return given.value.includes("?") ? given.value : given.value + query;
  }
  return rewritePath(given, match, path.slice(0, end)) + query;
}
