// Undoing, and what comes too early: the cases by name. Schedules of them are in simulation/.
import { expect, test } from "vitest";
import * as subject from "../../src/index.ts";
import { traps } from "./traps.ts";

test.each(Object.entries(traps))("%s", (_, trap) => {
  expect(() => trap(subject)).not.toThrow();
});
