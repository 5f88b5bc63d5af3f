// One path for all: for the routes, for authorization, and for the upstream. Two that read a path
// differently are how a rule is passed by: /public/%2e%2e/admin begins with /public for the one and
// is /admin for the other. So the path is rewritten once, before anybody looks at it, into a form
// in which nothing is left to interpret (RFC 3986 §6.2.2):
//
//   1. escaped slashes, %2F and %5C, by their mode: kept, refused, or made slashes;
//   2. escapes of letters, digits, "-", ".", "_" and "~" become these, others capitals: %c3 → %C3;
//   3. "\" becomes "/", which is how browsers and many servers read it;
//   4. dot segments are removed, in the way of §5.2.4;
//   5. slashes in a row become one, if that is wished for.
//
// Escapes are read once. %252e is the text "%2e", escaped, and stays what it is: whoever decodes it
// a second time is wrong, and would be just as wrong if it were done here. An escape without two
// digits, %00, a control character and "#" have no meaning in a path; they are refused.
// The query is left alone, but for what is refused.

/** How paths are read. */
export interface PathOptions {
  /** Steps 2 to 4. */
  readonly normalize: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: "keep" | "reject" | "unescape-and-redirect" | "unescape-and-forward";
}

/** What became of a path. */
export type PathVerdict =
  | { readonly kind: "path"; readonly path: string }
  /** The client should ask for this one: 307. */
  | { readonly kind: "redirect"; readonly path: string }
  /** 400. */
  | { readonly kind: "refused"; readonly reason: PathRefusal };

/** Why a path is refused. */
export type PathRefusal =
  | "not-absolute"
  | "fragment"
  | "bad-character"
  | "bad-escape"
  | "escaped-slash";

const SLASH = 0x2f;
const PERCENT = 0x25;

/** Reads paths in one way. */
export class PathNormalizer {
  readonly #options: PathOptions;

  constructor(options: PathOptions) {
    this.#options = options;
  }

  /** @param target a request's `path`; "*" and "" are no paths, and stay as they are */
  normalize(target: string): PathVerdict {
    if (target === "*" || target === "") return { kind: "path", path: target };
    if (target.charCodeAt(0) !== SLASH) return refused("not-absolute");
    const { normalize, mergeSlashes, escapedSlashes } = this.#options;
    const flaw = flawOf(target, normalize);
    if (flaw !== undefined) return refused(flaw);

    const query = target.indexOf("?");
    let path = query === -1 ? target : target.slice(0, query);
    const rest = query === -1 ? "" : target.slice(query);
    let redirects = false;
    if (escapedSlashes !== "keep" && path.includes("%")) {
      const unescaped = path.replace(/%(2f|5c)/gi, (_, code: string) => {
        return code.charAt(0) === "2" ? "/" : "\\";
      });
      if (unescaped !== path && escapedSlashes === "reject") return refused("escaped-slash");
      redirects = unescaped !== path && escapedSlashes === "unescape-and-redirect";
      path = unescaped;
    }
    if (normalize) {
      path = removeDotSegments(withSlashes(withoutNeedlessEscapes(path)));
    }
    if (mergeSlashes) path = path.replace(/\/{2,}/g, "/");
    if (!redirects) return { kind: "path", path: path + rest };
    // "//evil.example" in a Location is another host; so is "/\\evil.example" to browsers.
    return { kind: "redirect", path: path.replace(/^[/\\]+/, "/") + rest };
  }
}

/**
 * Whether something is left in a path that whoever reads it would resolve. A rewrite can put it
 * there: "/static" replaced by "/files/" makes "/files/../admin" of "/static../admin", which no
 * rule about "/admin" has seen.
 */
export function hasDotSegments(target: string): boolean {
  const [written = ""] = target.split("?", 1);
  const path = withSlashes(withoutNeedlessEscapes(written));
  return removeDotSegments(path) !== path;
}

const refused = (reason: PathRefusal): PathVerdict => ({ kind: "refused", reason });

function flawOf(target: string, normalize: boolean): PathRefusal | undefined {
  let inQuery = false;
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code === 0x23) return "fragment";
    if (code <= 0x20 || code === 0x7f) return "bad-character";
    if (code === 0x3f) inQuery = true;
    // Queries have been written with lone percent signs for ever, and nothing is read from them.
    if (code !== PERCENT || inQuery || !normalize) continue;
    const value = escapeAt(target, i);
    if (value === undefined || value === 0) return "bad-escape";
  }
  return undefined;
}

/** The byte that an escape stands for; `undefined` when it is none. */
function escapeAt(path: string, at: number): number | undefined {
  const high = digitOf(path.charCodeAt(at + 1));
  const low = digitOf(path.charCodeAt(at + 2));
  return high === undefined || low === undefined ? undefined : high * 16 + low;
}

function digitOf(code: number): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : undefined;
}

const UNRESERVED = /[A-Za-z0-9\-._~]/;

// In one pass over what was written: an escape that this makes, as of "%" and "41" behind an
// unescaped sign, cannot come about, because the percent sign itself is never unescaped.
function withoutNeedlessEscapes(path: string): string {
  if (!path.includes("%")) return path;
  return path.replace(/%[0-9A-Fa-f]{2}/g, (escaped) => {
    const letter = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return UNRESERVED.test(letter) ? letter : escaped.toUpperCase();
  });
}

function withSlashes(path: string): string {
  return path.includes("\\") ? path.replaceAll("\\", "/") : path;
}

/** RFC 3986 §5.2.4. There is nothing above the root: "/../a" is "/a". */
function removeDotSegments(path: string): string {
  if (!path.includes("/.")) return path;
  const kept: string[] = [];
  const segments = path.split("/");
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i]!;
    const isLast = i === segments.length - 1;
    if (segment === "..") {
      kept.pop();
    } else if (segment !== ".") {
      kept.push(segment);
      continue;
    }
    // "/a/.." is "/", with its slash: what was a folder stays one.
    if (isLast) kept.push("");
  }
  return `/${kept.join("/")}`;
}
