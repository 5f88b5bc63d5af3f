// The two promises about paths, on paths made of what is dangerous in them.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PathNormalizer, type PathOptions } from "../../src/match/path-normalizer.ts";

const pieces = fc.constantFrom(
  ..."/ // . .. ... %2e %2E %2f %2F %5c %5C \\ %25 %252e %252f %255c %61 %C3 %c3%a9 a b ; ? = % %2 é".split(
    " ",
  ),
);
const target = fc.array(pieces, { maxLength: 14 }).map((parts) => `/${parts.join("")}`);
const options: fc.Arbitrary<PathOptions> = fc.record({
  normalize: fc.boolean(),
  mergeSlashes: fc.boolean(),
  escapedSlashes: fc.constantFrom(
    "keep",
    "reject",
    "unescape-and-redirect",
    "unescape-and-forward",
  ),
});

describe("whatever a client sends", () => {
  test("reading a path again changes nothing, and redirects only once", () => {
    fc.assert(
      fc.property(target, options, (given, chosen) => {
        const paths = new PathNormalizer(chosen);
        const once = paths.normalize(given);
        if (once.kind === "refused") return;
        expect(paths.normalize(once.path)).toEqual({ kind: "path", path: once.path });
      }),
      { numRuns: 5000 },
    );
  });

  test("no traversal is left, however the upstream reads one level of escapes", () => {
    fc.assert(
      fc.property(target, options, (given, chosen) => {
        const verdict = new PathNormalizer({ ...chosen, normalize: true }).normalize(given);
        if (verdict.kind === "refused") return;
        const [path = ""] = verdict.path.split("?", 1);
        expect(path).not.toContain("\\");
        for (const segment of path.split("/")) {
          const decoded = segment.replace(/%2e/gi, ".");
          expect([".", ".."]).not.toContain(decoded);
        }
        if (chosen.escapedSlashes !== "keep") expect(path).not.toMatch(/%2f|%5c/i);
        if (chosen.mergeSlashes) expect(path).not.toContain("//");
      }),
      { numRuns: 5000 },
    );
  });

  test("what an upstream reads after one more decoding is within what was authorized", () => {
    // With escaped slashes kept, whoever decodes them reads other segments: that is what the other
    // modes are for. With those, a path that is decoded once and resolved is the path itself.
    fc.assert(
      fc.property(target, fc.constantFrom("reject", "unescape-and-forward"), (given, mode) => {
        const paths = new PathNormalizer({
          normalize: true,
          mergeSlashes: true,
          escapedSlashes: mode as PathOptions["escapedSlashes"],
        });
        const verdict = paths.normalize(given);
        if (verdict.kind !== "path") return;
        const [path = ""] = verdict.path.split("?", 1);
        if (/%25/.test(path)) return;
        const read = new URL(path, "http://h").pathname;
        expect(read.split("/").length).toBe(path.split("/").length);
      }),
    );
  });
});
