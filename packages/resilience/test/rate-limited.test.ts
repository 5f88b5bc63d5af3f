// A limit around `fetch` (rate-limiter's) is no dependency of this package, and known by its name.

import { pipelineOn, retry } from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import { expect, test } from "vitest";
import { isLocalRefusal } from "../src/errors.ts";
import { refusalOf } from "../src/refusal.ts";

const refused = Object.assign(new Error("no turn within 2 s"), {
  name: "RateLimitedError",
  code: "RATE_LIMITED",
  retryAfterMs: 1_500,
});

test("a request that its own process did not send is a refusal, with the wait that it names", () => {
  expect(isLocalRefusal(refused)).toBe(true);
  expect(refusalOf(refused)).toMatchObject({ kind: "rate-limited", retryAfterMs: 1_500 });
});

test("and is not sent again: the limit that refused it would refuse it again", async () => {
  let attempts = 0;
  const pipeline = pipelineOn(new ManualClock(), retry({ attemptsMax: 3 }));
  const call = pipeline.call(
    () => {
      attempts++;
      return Promise.reject(refused);
    },
    { idempotent: true },
  );
  await expect(call).rejects.toBe(refused);
  expect(attempts).toBe(1);
});
