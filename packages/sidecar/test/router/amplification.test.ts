// While a cluster fails entirely, retries must not finish it off.
import path from "node:path";
import { expect, test } from "vitest";
import { amplify } from "./amplification.ts";
import { loadSubject } from "./subject.ts";

const subject = await loadSubject(path.join(import.meta.dirname, "../../src"));
const retryBudget = { percent: 20, retriesMin: 3 };

test.each([100, 400])(
  "a budget of 20 %% at %i at a time: 1.25 times the load, and the same latency",
  (concurrency) => {
    const load = { concurrency, requests: concurrency * 20, latencyMs: 50 };
    const off = amplify(subject, load);
    expect([off.factor, off.meanMs, off.longestMs]).toEqual([1, 50, 50]);
    const on = amplify(subject, { ...load, retries: 3, retryBudget });
    expect(on.factor).toBeGreaterThan(1.05);
    expect(on.factor).toBeLessThanOrEqual(1.25);
    // At any time as many attempts as clients: a retry takes the place of its first try.
    expect(on.attemptsMax).toBeLessThanOrEqual(concurrency);
    // The time of its tries, and of the pauses between them.
    expect(on.longestMs).toBeLessThanOrEqual(4 * 50 + 25 + 50 + 100);
    expect(on.meanMs).toBeLessThanOrEqual(1.25 * 50 + 0.25 * 50);
  },
);

test("without a budget it would be all of them", () => {
  const load = { concurrency: 100, requests: 1_000, latencyMs: 50, retries: 3 };
  expect(amplify(subject, { ...load, retriesMax: 1_000 }).factor).toBe(4);
});

test("the floor lets a quiet cluster's requests be tried again: three at a time, not more", () => {
  const load = { concurrency: 2, requests: 200, latencyMs: 50, retries: 3 };
  expect(amplify(subject, { ...load, retryBudget }).factor).toBe(4);
  const busier = amplify(subject, { ...load, concurrency: 12, retryBudget });
  // Three of twelve, and each retry takes as long as a request.
  expect(busier.factor).toBeLessThanOrEqual(1 + 3 / 9);
});
