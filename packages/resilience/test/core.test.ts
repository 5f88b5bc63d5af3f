// The specification of the core, sentence by sentence. The sentences live in core/*.specs.ts, where
// the mutants can get at them as well.
import path from "node:path";
import { describe, test } from "vitest";
import { specs } from "./core/index.ts";
import { loadSubject } from "./core/subject.ts";

const subject = await loadSubject(path.join(import.meta.dirname, "../src"));

for (const [name, sentences] of Object.entries(specs)) {
  describe(name, () => {
    for (const [sentence, holds] of Object.entries(sentences)) test(sentence, () => holds(subject));
  });
}
