import { describe, test } from "vitest";
import { corsTraps } from "./cors-traps.ts";
import { loadSubject } from "./subject.ts";

const subject = await loadSubject(`${import.meta.dirname}/../../src`);

describe("cross-origin requests", () => {
  for (const [name, trap] of Object.entries(corsTraps)) test(name, () => trap(subject));
});
