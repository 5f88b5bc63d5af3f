// How paths must be read, case by case; RFC 3986 is meant where a section is named.
import assert from "node:assert/strict";
import type { PathOptions } from "../../src/match/path-normalizer.ts";
import type { MatchSubject } from "./traps.ts";

const usual: PathOptions = { normalize: true, mergeSlashes: false, escapedSlashes: "keep" };

type Cases = Readonly<Record<string, string>>;

function check(subject: MatchSubject, options: Partial<PathOptions>, cases: Cases): void {
  const paths = new subject.PathNormalizer({ ...usual, ...options });
  for (const [target, expected] of Object.entries(cases)) {
    const verdict = paths.normalize(target);
    const said = verdict.kind === "path" ? verdict.path : `${verdict.kind} ${rest(verdict)}`;
    assert.equal(said, expected, `${target} (${JSON.stringify(options)})`);
  }
}

const rest = (verdict: { readonly path?: string; readonly reason?: string }): string =>
  verdict.path ?? verdict.reason ?? "";

/** Each must hold. */
export const pathTraps: Readonly<Record<string, (subject: MatchSubject) => void>> = {
  "§5.2.4: dot segments are removed": (subject) => {
    check(
      subject,
      {},
      {
        "/a/b/c/./../../g": "/a/g",
        "/./a/.": "/a/",
        "/a/..": "/",
        "/a/../": "/",
        "/../../a": "/a",
        "/a/...": "/a/...",
        "/.a/..b": "/.a/..b",
        "/a//../b": "/a/b",
        "/..": "/",
        "/": "/",
      },
    );
  },

  "§6.2.2.2: escapes of unreserved characters are undone, before dots are looked at": (subject) => {
    check(
      subject,
      {},
      {
        "/%61%2Db%5F%7e": "/a-b_~",
        "/a/%2e%2e/b": "/b",
        "/a/%2E./b": "/b",
        "/a/.%2e": "/",
        "/%2e": "/",
      },
    );
  },

  "§6.2.2.1: other escapes have capitals": (subject) => {
    check(subject, {}, { "/%c3%a9%3a": "/%C3%A9%3A" });
  },

  "an escape is read once": (subject) => {
    check(
      subject,
      {},
      {
        "/a/%252e%252e/b": "/a/%252e%252e/b",
        "/%2541": "/%2541",
        "/a/%252e%2e/b": "/a/%252e./b",
      },
    );
    check(subject, { escapedSlashes: "unescape-and-forward" }, { "/a%252fb": "/a%252fb" });
  },

  "a backslash is a slash": (subject) => {
    check(subject, {}, { "/a\\..\\b": "/b", "/\\a": "//a", "/a\\": "/a/" });
  },

  "slashes in a row are one only where it is said": (subject) => {
    check(subject, {}, { "//a///b": "//a///b" });
    check(subject, { mergeSlashes: true }, { "//a///b": "/a/b", "/a/.//b?c//d": "/a/b?c//d" });
  },

  "escaped slashes: four modes": (subject) => {
    check(subject, {}, { "/a%2fb%5Cc": "/a%2Fb%5Cc" });
    check(
      subject,
      { escapedSlashes: "reject" },
      {
        "/a%2Fb": "refused escaped-slash",
        "/a%5cb": "refused escaped-slash",
        "/a?%2f": "/a?%2f",
      },
    );
    check(
      subject,
      { escapedSlashes: "unescape-and-forward" },
      {
        "/a%2f..%2fb": "/b",
        "/a%5c..%5Cb": "/b",
        "/a?%2f": "/a?%2f",
      },
    );
    check(
      subject,
      { escapedSlashes: "unescape-and-redirect" },
      {
        "/a%2fb?c": "redirect /a/b?c",
        "/a/b": "/a/b",
      },
    );
  },

  "a redirect does not lead to another host": (subject) => {
    const options = { escapedSlashes: "unescape-and-redirect" } as const;
    const cases = {
      "/%2fevil.example": "redirect /evil.example",
      "/%5cevil.example": "redirect /evil.example",
      "/a/..%2f/evil.example": "redirect /evil.example",
    };
    check(subject, options, cases);
    check(subject, { ...options, normalize: false }, { "/%5c/evil": "redirect /evil" });
  },

  "what has no meaning is refused": (subject) => {
    check(
      subject,
      {},
      {
        "/%": "refused bad-escape",
        "/%4": "refused bad-escape",
        "/%zz": "refused bad-escape",
        "/a%00": "refused bad-escape",
        "/a#b": "refused fragment",
        "/a?b#c": "refused fragment",
        "/a b": "refused bad-character",
        "/a\tb": "refused bad-character",
        a: "refused not-absolute",
        "../a": "refused not-absolute",
        "/a?100%": "/a?100%",
      },
    );
  },

  "what is no path stays as it is": (subject) => {
    check(subject, {}, { "*": "*", "": "" });
  },

  "the query is left alone": (subject) => {
    check(subject, {}, { "/a/../b?c/../%2e%61\\": "/b?c/../%2e%61\\" });
  },

  "without normalisation a path stays as it is": (subject) => {
    const kept = { "/a/../%2e%61\\b": "/a/../%2e%61\\b" };
    check(subject, { normalize: false }, kept);
  },
};
