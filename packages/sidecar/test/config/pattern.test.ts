import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Pattern, PatternError, Substitution } from "../../src/config/pattern.ts";

describe("a pattern", () => {
  test("matches the whole text, not a part", () => {
    expect(new Pattern("/a+").matches("/aaa")).toBe(true);
    expect(new Pattern("/a+").matches("/aaab")).toBe(false);
    expect(new Pattern("a|ab").matches("ab")).toBe(true);
  });

  test("has RE2's syntax", () => {
    expect(new Pattern("(?i)/SHOP/\\pL+").matches("/shop/é")).toBe(true);
    expect(new Pattern("[[:digit:]]{2,}").matches("42")).toBe(true);
  });

  test.each(["(", "a**", "(?=a)", "(a)\\1", "a{1001}", "x".repeat(1025), "(?:a{50}){50}"])(
    "is refused when it is no RE2, or too large: %s",
    (source) => expect(() => new Pattern(source)).toThrow(PatternError),
  );

  test("counts steps in proportion to the text where backtracking would double them", () => {
    // Thirty letters would take a backtracking engine 2^30 steps, sixty thousand never end.
    for (const source of ["(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)*x"]) {
      expect(new Pattern(source).matches("a".repeat(60_000))).toBe(false);
    }
  });

  test("agrees with the built-in engine on what both can say", () => {
    const source = fc
      .array(fc.constantFrom("a", "b", "/", ".", "a?", "(a|b)", "[ab]", "[^/]*", "b+", "(?:/a)*"))
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(source, fc.stringMatching(/^[ab/]{0,12}$/), (pattern, text) => {
        const builtIn = new RegExp(`^(?:${pattern})$`).test(text);
        expect(new Pattern(pattern).matches(text)).toBe(builtIn);
      }),
    );
  });
});

describe("a substitution", () => {
  const replaced = (source: string, substitution: string, text: string): string => {
    const pattern = new Pattern(source);
    return pattern.replaceAll(text, new Substitution(substitution, pattern));
  };

  // The examples of Envoy's own documentation of regex_rewrite.
  test.each([
    ["^/service/([^/]+)(/.*)$", "\\2/instance/\\1", "/service/foo/v1/api", "/v1/api/instance/foo"],
    ["one", "two", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/two/zzz"],
    ["^(.*?)one(.*)$", "\\1two\\2", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/one/zzz"],
    ["(?i)/xxx/", "/yyy/", "/aaa/XxX/bbb", "/aaa/yyy/bbb"],
    ["b", "[\\0\\\\]", "abc", "a[b\\]c"],
    ["x", "y", "abc", "abc"],
    ["(x)?b", "<\\1>", "abc", "a<>c"],
  ])("%s → %s: %s becomes %s", (source, substitution, text, expected) => {
    expect(replaced(source, substitution, text)).toBe(expected);
  });

  test.each(["\\2", "\\x", "\\"])("is refused: %s", (source) => {
    expect(() => new Substitution(source, new Pattern("(a)"))).toThrow(PatternError);
  });
});
