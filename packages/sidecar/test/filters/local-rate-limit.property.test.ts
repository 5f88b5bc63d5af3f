// The bucket against a model in whole numbers: no time is kept but that of the last token, and none
// is rounded.
import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LocalRateLimitFilter } from "../../src/filters/local-rate-limit.ts";
import { ask, drawing } from "./harness.ts";
import { rateLimitConfig } from "./limit-traps.ts";

test("lets through as many as the model, whenever they come", () => {
  const settings = fc.record({
    tokensMax: fc.integer({ min: 1, max: 20 }),
    tokensPerFill: fc.integer({ min: 1, max: 7 }),
    fillIntervalMs: fc.integer({ min: 1, max: 50 }),
  });
  const pauses = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(settings, pauses, (config, pausesMs) => {
      const clock = new ManualClock();
      const options = { config: rateLimitConfig(config), clock, random: drawing(), share: 1 };
      const filter = new LocalRateLimitFilter(options);
      // Times are in parts of a ms, `tokensPerFill` of them to one: a token takes `fillIntervalMs`
      // of these.
      const { tokensMax, tokensPerFill, fillIntervalMs } = config;
      let missing = 0;
      let since = 0;
      for (const pauseMs of pausesMs) {
        clock.advance(pauseMs);
        const now = clock.now() * tokensPerFill;
        while (missing > 0 && now - since >= fillIntervalMs) {
          missing--;
          since += fillIntervalMs;
        }
        const isFound = missing < tokensMax;
        if (isFound && missing++ === 0) since = now;
        expect(ask(filter) === undefined).toBe(isFound);
      }
    }),
    { numRuns: 300 },
  );
});

test("in no time more than the bucket holds and what the time brings", () => {
  const pauses = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), pauses, (workers, pausesMs) => {
      const clock = new ManualClock();
      const config = rateLimitConfig({ tokensMax: 12, tokensPerFill: 3, fillIntervalMs: 100 });
      const filters = Array.from({ length: workers }, () => {
        const options = { config, clock, random: drawing(), share: 1 / workers };
        return new LocalRateLimitFilter(options);
      });
      let passed = 0;
      for (const pauseMs of pausesMs) {
        clock.advance(pauseMs);
        for (const filter of filters) if (ask(filter) === undefined) passed++;
        expect(passed).toBeLessThanOrEqual(12 + Math.floor((3 * clock.now()) / 100));
      }
    }),
    { numRuns: 200 },
  );
});
