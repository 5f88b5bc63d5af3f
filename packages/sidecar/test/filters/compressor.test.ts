import { describe, test } from "vitest";
import { compressorTraps } from "./compressor-traps.ts";
import { loadSubject } from "./subject.ts";

const subject = await loadSubject(`${import.meta.dirname}/../../src`);

describe("compression", () => {
  for (const [name, trap] of Object.entries(compressorTraps)) test(name, () => trap(subject));
});
