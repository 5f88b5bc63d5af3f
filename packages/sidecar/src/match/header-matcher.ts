// Headers that are looked at (envoy.config.route.v3.HeaderMatcher). Repeated headers are one value,
// joined by commas, as RFC 9110 §5.3 says and as Envoy matches them. A header that is missing is
// neither like a pattern nor unlike it: only a matcher for presence, turned around, matches it.
import type { RequestHead } from "../codec/codec.ts";
import type { HeaderMatcher } from "../config/route-config.ts";
import { matchesString } from "./string-matcher.ts";

/** Whether a request's header is as the matcher wants it. */
export function matchesHeader(matcher: HeaderMatcher, head: RequestHead): boolean {
  const { match, invert } = matcher;
  const value = headerOf(head, matcher.name);
  if (match.kind === "present") return (value !== undefined) !== invert;
  if (value === undefined) return false;
  const isLike =
    match.kind === "string" ? matchesString(match.value, value) : isWithin(value, match);
  return isLike !== invert;
}

/**
 * A header's value by its name in lower case; of pseudo-headers, too. Host is another name of
 * `:authority`, as in Envoy: a rule about the one that the codec has taken away would hold for
 * nobody, and a rule that denies would let everybody pass.
 */
export function headerOf(head: RequestHead, name: string): string | undefined {
  if (name === "host") return head.authority;
  if (name.charCodeAt(0) !== 0x3a) return valuesOf(head.fields.flat, name);
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
      return undefined;
  }
}

// Nothing is made for a header that stands there once, which nearly all do.
function valuesOf(flat: readonly string[], name: string): string | undefined {
  let value: string | undefined;
  for (let i = 0; i < flat.length; i += 2) {
    if (flat[i] === name) value = value === undefined ? flat[i + 1]! : `${value},${flat[i + 1]!}`;
  }
  return value;
}

// Only what is all digits is a number: "5 apples" is not 5, and "" is not 0.
function isWithin(value: string, range: { readonly from: number; readonly to: number }): boolean {
  if (!/^-?\d{1,15}$/.test(value)) return false;
  const number = Number(value);
  return number >= range.from && number < range.to;
}
