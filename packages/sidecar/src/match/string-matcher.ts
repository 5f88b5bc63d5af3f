// Texts that are looked for (envoy.type.matcher.v3.StringMatcher). What ignores case has its own
// text in lower case since it was compiled; ASCII that is in lower case already is compared as it
// is, without a copy.
import type { StringMatcher } from "../config/route-config.ts";

/** Whether a text is what is looked for. */
export function matchesString(matcher: StringMatcher, text: string): boolean {
  if (matcher.kind === "regex") return matcher.value.matches(text);
  const given = matcher.ignoreCase ? inLowerCase(text) : text;
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

/** The text in lower case; the very same text when it has no capital among its ASCII letters. */
export function inLowerCase(text: string): string {
  // The built-in function makes a copy before it finds out that it need not have.
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code >= 0x41 && code <= 0x5a) || code > 0x7f) return text.toLowerCase();
  }
  return text;
}
