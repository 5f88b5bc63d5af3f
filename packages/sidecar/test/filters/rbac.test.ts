import { describe, test } from "vitest";
import { rbacTraps } from "./rbac-traps.ts";
import { loadSubject } from "./subject.ts";

const subject = await loadSubject(`${import.meta.dirname}/../../src`);

describe("authorization", () => {
  for (const [name, trap] of Object.entries(rbacTraps)) test(name, () => trap(subject));
});
