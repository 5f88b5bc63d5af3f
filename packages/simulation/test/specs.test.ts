import * as subject from "@compendium/simulation";
import { describe, test } from "vitest";
import { specs } from "./specs/index.ts";

for (const [part, sentences] of Object.entries(specs)) {
  describe(part, () => {
    for (const [name, check] of Object.entries(sentences)) test(name, () => check(subject));
  });
}
