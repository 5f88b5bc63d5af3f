// Texts that are looked for (envoy.type.matcher.v3.StringMatcher). What ignores case has its own
// text in lower case since it was compiled; ASCII that is in lower case already is compared as it
// is, without a copy.
import type { StringMatcher } from "../config/route-config.ts";

/** Whether a text is what is looked for. */
export function matchesString(matcher: StringMatcher, text: string): boolean {
  if (matcher.kind === "regex") return matcher.value.matches(text);
  const given = matcher.ignoreCase ? text.toLowerCase() : text;
  switch (matcher.kind) {
    case "exact":
      return given === matcher.value;
    case "prefix":
      return given.startsWith(matcher.value);
    case "suffix":
      return given.endsWith(matcher.value);
    case "contains":
      return given.includes(matcher.value);
  }
}
