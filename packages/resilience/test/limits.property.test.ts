import { aimd, gradient2, vegas } from "@compendium/resilience";
import { SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "./support/limit-trials.ts";
import { run } from "./support/queueing-model.ts";

const MAKE = { gradient2, vegas, aimd };

const sample = fc.record({
  rttMs: fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1e5, noNaN: true })),
  used: fc.double({ min: 0, max: 1.5, noNaN: true }),
  dropped: fc.boolean(),
  afterMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e4, noNaN: true })),
});

describe.each(Object.entries(MAKE))("%s", (name, make) => {
  test("the limit is a whole number from limitMin to limitMax, whatever it is told", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 0, max: 200 }),
        fc.array(sample, { minLength: 50, maxLength: 400 }),
        (limitMin, more, samples) => {
          const limitMax = limitMin + more;
          const limit = make({ limitMin, limitMax, window: { samplesMin: 2 } });
          let nowMs = 0;
          for (const { rttMs, used, dropped, afterMs } of samples) {
            nowMs += afterMs;
            const inFlight = Math.max(1, Math.round(used * limit.limit));
            const answer = limit.onSample({ rttMs, inFlight, dropped, nowMs });
            expect(answer).toBe(limit.limit);
            expect(Number.isInteger(answer)).toBe(true);
            expect(answer).toBeGreaterThanOrEqual(limitMin);
            expect(answer).toBeLessThanOrEqual(limitMax);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("fewer than half of the limit in flight never raise it", () => {
    fc.assert(
      fc.property(fc.array(sample, { minLength: 50, maxLength: 300 }), (samples) => {
        const limit = make({ initialLimit: 40, window: { samplesMin: 2 } });
        let highest = limit.limit;
        let nowMs = 0;
        for (const { rttMs, used, dropped, afterMs } of samples) {
          nowMs += afterMs;
          const inFlight = Math.max(0, Math.floor((used / 1.5) * 0.49 * limit.limit));
          const now = limit.onSample({ rttMs, inFlight, dropped, nowMs });
          expect(now).toBeLessThanOrEqual(highest);
          highest = Math.max(highest, now);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("the same samples give the same limits", () => {
    const once = () => {
      const seen: number[] = [];
      run({
        server: { workers: 8, serviceMs: 20, wireMs: 4, spread: "exponential" },
        limit: LIMITS[name as keyof typeof LIMITS](),
        random: new SeededRandom(9),
        untilMs: 5_000,
        arrivalsPerMs: 2,
        timeoutMs: 100,
        watch: { everyMs: 20, see: (limit) => seen.push(limit) },
      });
      return seen;
    };
    expect(once()).toEqual(once());
  });
});
