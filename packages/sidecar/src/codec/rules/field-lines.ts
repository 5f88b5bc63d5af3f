// Field lines of HTTP/1.1: name ":" OWS value OWS CR LF (RFC 9112 §5). One regular expression walks
// the section, line by line; what it does not match is looked at again, slowly, to say why.
import type { RefusalReason } from "./refusals.ts";

/** tchar of RFC 9110 §5.6.2. */
export const token: RegExp = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

// field-vchar is VCHAR or obs-text (RFC 9110 §5.5); a value begins and ends with one, so that the
// whitespace around it is nobody's. A line that ends the text has no CR LF behind it.
//
// Whitespace behind a value is looked for only where there is a value: were both whitespaces open
// to the same spaces, a line of n of them and a NUL would be split in n² ways before it is refused.
const line =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?:([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*)?(?:\r\n|$)/y;

/** Limits of a section. */
export interface SectionLimits {
  readonly headersMax: number;
}

/**
 * Reads a section into name, value, name, value, the names in lower case.
 *
 * @param text in latin1, so that a character is a byte; without the empty line
 * @param from where the first field line begins
 */
export function readFieldLines(
  text: string,
  from: number,
  { headersMax }: SectionLimits,
): string[] | RefusalReason {
  const flat: string[] = [];
  line.lastIndex = from;
  for (let at = from; at < text.length; at = line.lastIndex) {
    const match = line.exec(text);
    if (match === null) return whyNot(text, at);
    if (flat.length >= headersMax * 2) return "fields-too-many";
    const name = match[1]!.toLowerCase();
    if (isAlias(name)) return "field-alias";
    flat.push(name, match[2] ?? "");
  }
  return flat;
}

// CGI and its descendants (RFC 3875 §4.1.18) turn "-" and "_" into the same character: to them
// Content_Length is a length. Names like that are refused; other underscores are passed on.
const aliased: ReadonlySet<string> = new Set([
  "content-length",
  "transfer-encoding",
  "host",
  "connection",
  "expect",
  "upgrade",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

/** Whether an underscore makes this name look like another one. */
export const isAlias = (name: string): boolean =>
  name.includes("_") && aliased.has(name.replaceAll("_", "-"));

function whyNot(text: string, from: number): RefusalReason {
  const end = text.indexOf("\r\n", from);
  const wrong = text.slice(from, end === -1 ? text.length : end);
  if (/[\r\n]/.test(wrong)) return "line-ending";
  if (/^[ \t]/.test(wrong)) return "obs-fold";
  const colon = wrong.indexOf(":");
  return colon === -1 || !token.test(wrong.slice(0, colon)) ? "field-name" : "field-value";
}
