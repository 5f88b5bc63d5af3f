import { describe, test } from "vitest";
import { chainTraps } from "./chain-traps.ts";
import { loadSubject } from "./subject.ts";

const subject = await loadSubject(`${import.meta.dirname}/../../src`);

describe("a chain of filters", () => {
  for (const [name, trap] of Object.entries(chainTraps)) test(name, () => trap(subject));
});
