import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile, compileText } from "../../src/config/compile.ts";
import { SidecarConfigError } from "../../src/config/config-error.ts";
import { parseConfig } from "../../src/config/document.ts";
import { documents } from "./documents.ts";

describe("a text is refused, as a whole, when it", () => {
  const cases: readonly (readonly [name: string, text: string, said: RegExp])[] = [
    [
      "is longer than a megabyte",
      `a: "${"x".repeat(2 ** 20)}"`,
      /characters long, at most 1048576/,
    ],
    ["is no YAML", "a: [", /is no YAML: .*/],
    ["has a key twice", "a: 1\na: 2", /is no YAML: the key "a" is there twice in one map/],
    ["is two documents", "a: 1\n---\nb: 2", /is no YAML: .*multiple documents/],
    ["opens a hundred thousand brackets", "[".repeat(100_000), /opens 100000 brackets at a time/],
    [
      "is deeper than sixty-four levels",
      `${"[".repeat(70)}${"]".repeat(70)}`,
      /more than 64 levels/,
    ],
    [
      "is deep by its indentation",
      Array.from({ length: 80 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
      /more than 64 levels/,
    ],
    ["is empty", "", /must be an object, got null/],
    ["is a list", "- 1", /must be an object, got a list of 1/],
  ];
  test.each(cases)("%s", (_name, text, said) => {
    expect(() => compileText(text)).toThrow(SidecarConfigError);
    expect(() => compileText(text)).toThrow(said);
  });

  test("stands for a billion values by aliases of aliases", () => {
    const lines = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"];
    for (let i = 1; i < 10; i++) {
      lines.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(",")}]`);
    }
    expect(() => compileText(lines.join("\n"))).toThrow(/200000 values/);
  });

  test("has more aliases than are followed", () => {
    const aliases = Array.from({ length: 101 }, () => "*x").join(",");
    expect(() => compileText(`a: &x 1\nb: [${aliases}]`)).toThrow(/more than 100 aliases/);
  });

  test("is quoted at length by the parser", () => {
    expect(() => compileText("!".repeat(100_000))).toThrow(/^is no YAML: .{1,250}$/);
  });

  test("names itself", () => {
    expect(() => compileText("a: &a [*a]")).toThrow(SidecarConfigError);
  });

  test("contains itself", () => {
    const loop: { static_resources?: unknown } = {};
    loop.static_resources = loop;
    expect(() => compile(loop)).toThrow(/more than 64 levels|200000 values/);
  });
});

test("an alias is what it names", () => {
  expect(parseConfig("a: &x [1]\nb: *x")).toEqual({ a: [1], b: [1] });
});

describe("whatever is done to a document", () => {
  const values = Object.values(documents).map((text) => parseConfig(text));
  const strange = fc.oneof(
    fc.constantFrom(null, true, false, 0, -1, 1.5, 1e300, Number.NaN, "", "*", "0s", "1s", "%", []),
    fc.constantFrom("__proto__", "constructor", "\u0000", "(a+)+$", "[::1]", "%REQ(%", "\\9"),
    fc.jsonValue(),
  );
  const change = fc.record({
    walk: fc.array(fc.nat(), { minLength: 1, maxLength: 14 }),
    how: fc.constantFrom("replace", "remove", "double", "add"),
    value: strange,
    key: fc.oneof(
      fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "@type", "name"),
      fc.string(),
    ),
  });

  test("it is taken, or refused with a SidecarConfigError; nothing else is thrown", () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(change, { minLength: 1, maxLength: 4 }), (which, changes) => {
        const document = structuredClone(values[which % values.length]);
        for (const one of changes) alter(document, one);
        try {
          compile(document);
        } catch (error) {
          if (!(error instanceof SidecarConfigError)) throw error;
          expect(error.problems.length).toBeGreaterThan(0);
          for (const { message, next } of error.problems) {
            expect(message).not.toBe("");
            expect(next).not.toBe("");
          }
        }
        expect("a" in {}).toBe(false);
      }),
      { numRuns: 1500 },
    );
  });

  test("its text may be cut and spliced anywhere", () => {
    const texts = Object.values(documents);
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), fc.string(), (which, at, length, put) => {
        const text = texts[which % texts.length]!;
        const from = at % text.length;
        const changed = text.slice(0, from) + put + text.slice(from + (length % 40));
        try {
          compileText(changed);
        } catch (error) {
          if (!(error instanceof SidecarConfigError)) throw error;
        }
      }),
      { numRuns: 400 },
    );
  });
});

interface Change {
  readonly walk: readonly number[];
  readonly how: string;
  readonly value: unknown;
  readonly key: string;
}

/** Goes down into a value and changes what it finds there. */
function alter(document: unknown, { walk, how, value, key }: Change): void {
  let at = document as Record<string, unknown>;
  for (const [i, step] of walk.entries()) {
    const keys = Object.keys(at);
    if (keys.length === 0) return;
    const chosen = keys[step % keys.length]!;
    const next = at[chosen];
    if (i < walk.length - 1 && typeof next === "object" && next !== null) {
      at = next as Record<string, unknown>;
      continue;
    }
    if (how === "remove") delete at[chosen];
    else if (how === "double" && Array.isArray(at)) at.push(structuredClone(next));
    else if (how === "add") put(at, key, value);
    else put(at, chosen, value);
    return;
  }
}

// As a parser does it: "__proto__" is a key like any other.
function put(at: object, key: string, value: unknown): void {
  Object.defineProperty(at, key, { value, enumerable: true, configurable: true, writable: true });
}
