// Where a redirect leads: the request's own address, with the parts that the route replaces.
import type { RequestHead } from "../codec/codec.ts";
import type { RedirectAction, RouteMatch } from "../config/route-config.ts";

/** The value of Location. */
export function redirectOf(action: RedirectAction, match: RouteMatch, head: RequestHead): string {
  const scheme = action.scheme ?? head.scheme;
  const [, ownHost = "", ownPort] = /^(.*?)(?::(\d+))?$/.exec(head.authority) ?? [];
  // A port of the old scheme would be wrong for the new one.
  const keptPort =
    action.scheme === undefined && ownPort !== undefined ? Number(ownPort) : undefined;
  const port = action.port ?? keptPort;
  const at = head.path.indexOf("?");
  const path = at === -1 ? head.path : head.path.slice(0, at);
  const query = action.stripQuery ? "" : head.path.slice(path.length);
  const authority = (action.host ?? ownHost) + (port === undefined ? "" : `:${port}`);
  return `${scheme}://${authority}${pathOf(action, match, path)}${query}`;
}

function pathOf({ path: wanted }: RedirectAction, match: RouteMatch, path: string): string {
  if (wanted === undefined) return path;
  if (wanted.kind === "regex") return wanted.pattern.replaceAll(path, wanted.substitution);
  if (wanted.kind === "whole" || match.path.kind === "regex") return wanted.value;
  return wanted.value + path.slice(match.path.value.length);
}
