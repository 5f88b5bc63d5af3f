// Random histories through the router: history.ts says what must hold.
import path from "node:path";
import fc from "fast-check";
import { test } from "vitest";
import { checkHistory } from "./history.ts";
import { loadSubject } from "./subject.ts";

const subject = await loadSubject(path.join(import.meta.dirname, "../../src"));

test("whatever happens, each request ends once, and breakers and timers are left at 0", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => checkHistory(subject, seed)),
    { numRuns: 400 },
  );
});
