// Parameters in a path's query, found where they stand. Nothing is decoded, as in Envoy: a matcher
// sees what the client wrote.
import type { RouteMatch } from "../config/route-config.ts";
import { matchesString } from "./string-matcher.ts";

/** Whether the query has all parameters that are wanted; the first of a name counts. */
export function matchesQuery(wanted: RouteMatch["query"], path: string, pathEnd: number): boolean {
  for (const { name, value } of wanted) {
    const at = parameterAt(path, pathEnd, name);
    if (at === -1) return false;
    if (value !== undefined && !matchesString(value, valueAt(path, at + name.length))) return false;
  }
  return true;
}

/** The first value of a parameter; `undefined` when there is none of that name. */
export function queryParameter(path: string, name: string): string | undefined {
  const pathEnd = endOfPath(path);
  const at = parameterAt(path, pathEnd, name);
  return at === -1 ? undefined : valueAt(path, at + name.length);
}

/** Where the query begins, with its question mark, or the length. */
export function endOfPath(path: string): number {
  const at = path.indexOf("?");
  return at === -1 ? path.length : at;
}

function parameterAt(path: string, pathEnd: number, name: string): number {
  for (let at = pathEnd + 1; at > 0 && at < path.length; at = path.indexOf("&", at) + 1) {
    if (!path.startsWith(name, at)) continue;
    const after = path.charCodeAt(at + name.length);
    // "=", "&", or the end.
    if (after === 0x3d || after === 0x26 || Number.isNaN(after)) return at;
  }
  return -1;
}

function valueAt(path: string, at: number): string {
  if (path.charCodeAt(at) !== 0x3d) return "";
  const end = path.indexOf("&", at);
  return path.slice(at + 1, end === -1 ? path.length : end);
}
