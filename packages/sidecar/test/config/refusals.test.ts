import { describe, expect, test } from "vitest";
import { compile, compileText } from "../../src/config/compile.ts";
import { SidecarConfigError } from "../../src/config/config-error.ts";
import { documents } from "./documents.ts";
import { cases } from "./refusal-cases.ts";
import { refusal } from "./traps.ts";

const subject = { compile, compileText, SidecarConfigError };

describe("a document is refused for", () => {
  test.each(cases)("%s", (_name, text, from, to, said) => {
    expect(text).toContain(from);
    expect(
      refusal(
        subject,
        text.replace(from, () => to),
      ).message,
    ).toMatch(said);
  });
});

test("every example that is not changed is taken without a word about anything it relies on", () => {
  for (const text of Object.values(documents)) {
    compileText(text, ({ message }) => expect(message).toMatch(/^is ignored: /));
  }
});
