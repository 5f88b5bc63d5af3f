import { describe, test } from "vitest";
import { adaptiveTraps, bufferTraps, faultTraps, rateLimitTraps } from "./limit-traps.ts";
import { loadSubject } from "./subject.ts";

const subject = await loadSubject(`${import.meta.dirname}/../../src`);

const suites = {
  "a local rate limit": rateLimitTraps,
  "a fault": faultTraps,
  "the buffer": bufferTraps,
  "adaptive concurrency": adaptiveTraps,
};

for (const [suite, traps] of Object.entries(suites)) {
  describe(suite, () => {
    for (const [name, trap] of Object.entries(traps)) test(name, () => trap(subject));
  });
}
