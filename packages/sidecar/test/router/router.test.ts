// The router, on a clock that stands still until it is moved. The programs are those that planted
// bugs have to fail (mutants/).
import path from "node:path";
import { describe, test } from "vitest";
import { callTraps } from "./call-traps.ts";
import { retryTraps } from "./retry-traps.ts";
import { loadSubject } from "./subject.ts";

const subject = await loadSubject(path.join(import.meta.dirname, "../../src"));

describe("a retry", () => {
  test.each(Object.entries(retryTraps))("%s", (_, trap) => trap(subject));
});

describe("a call", () => {
  test.each(Object.entries(callTraps))("%s", (_, trap) => trap(subject));
});
