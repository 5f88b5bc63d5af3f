// etcd's transcripts, replayed to the letter: whole groups, the order of their messages, the state
// that they print, and every line that etcd's nodes log.
import { describe, expect, test } from "vitest";
import { runDirective } from "./commands.ts";
import { filesOf, normalize, readDirectives, requireVectors } from "./datadriven.ts";
import { Environment } from "./environment.ts";

const files = filesOf("interaction");

test("etcd's transcripts are here", (context) => {
  requireVectors(context);
  expect(files.length).toBeGreaterThanOrEqual(18);
});

describe.each(files)("%s", (file) => {
  test("is replayed to the letter", () => {
    const env = new Environment();
    for (const directive of readDirectives("interaction", file)) {
      const output = normalize(runDirective(env, directive));
      expect(output, `line ${directive.line}`).toBe(normalize(directive.expected));
    }
  });
});
