// One path for everybody: what authorization looks at, what a route matches and what upstream gets
// is the same text. Otherwise "/public/%2e%2e/admin" is public here and an admin's there.
// Reference: RFC 3986 §6.2.2 (case, percent-encoding, dot segments), §5.2.4.
import type { HttpConfig } from "../config/listener-config.ts";

/** What came of a path. */
export type NormalizedPath =
  | { readonly kind: "path"; readonly path: string }
  /** The client is sent to the normal form first. */
  | { readonly kind: "redirect"; readonly path: string }
  | { readonly kind: "refused"; readonly why: string };

/** Brings a target with its query into one form; the query is left alone. */
export function normalizePath(target: string, rules: HttpConfig["path"]): NormalizedPath {
  if (target === "*" || isPlain.test(target)) return { kind: "path", path: target };
  const at = target.indexOf("?");
  const raw = at === -1 ? target : target.slice(0, at);
  const query = at === -1 ? "" : target.slice(at);
  // RFC 3986 §2.1. And NUL, which ends a text for whoever is written in C.
  if (/%(?![0-9A-Fa-f]{2})/.test(raw)) return { kind: "refused", why: "a bad percent-encoding" };
  if (raw.includes("%00")) return { kind: "refused", why: "an encoded NUL" };
  const hasEscapedSlash = /%(?:2f|5c)/i.test(raw);
  if (hasEscapedSlash && rules.escapedSlashes === "reject") {
    return { kind: "refused", why: "an encoded slash" };
  }
  let path = raw;
  if (hasEscapedSlash && rules.escapedSlashes.startsWith("unescape")) {
    path = path.replaceAll(/%2f/gi, "/").replaceAll(/%5c/gi, "\\");
  }
  if (rules.normalize) path = withoutDots(decodeNeedless(path).replaceAll("\\", "/"));
  if (rules.mergeSlashes) path = path.replaceAll(/\/{2,}/g, "/");
  const redirects = hasEscapedSlash && rules.escapedSlashes === "unescape-and-redirect";
  return { kind: redirects ? "redirect" : "path", path: path + query };
}

// Neither percent, nor dot, nor backslash, nor two slashes in the path: most of them.
const isPlain = /^(?:\/[^%.\\/?]*)*(?:\?.*)?$/;

// Letters, digits, "-", ".", "_" and "~" mean the same encoded and not (§2.3); the hexadecimal
// digits of what stays encoded are upper case (§6.2.2.1).
function decodeNeedless(path: string): string {
  return path.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : `%${hex.toUpperCase()}`;
  });
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  const segments = path.split("/").slice(1);
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === "..") kept.pop();
    if (segment !== "." && segment !== "..") kept.push(segment);
    else if (isLast) kept.push("");
  }
  return `/${kept.join("/")}`;
}
