import { describe, test } from "vitest";
import { pathTraps } from "./path-traps.ts";
import { loadSubject } from "./subject.ts";
import { matchTraps } from "./traps.ts";

const subject = await loadSubject(`${import.meta.dirname}/../../src`);

describe("matching", () => {
  for (const [name, trap] of Object.entries(matchTraps)) test(name, () => trap(subject));
});

describe("a path", () => {
  for (const [name, trap] of Object.entries(pathTraps)) test(name, () => trap(subject));
});
