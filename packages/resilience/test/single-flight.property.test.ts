import { type Call, pipelineOn, singleFlight } from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";
import { takes } from "./support/virtual.ts";

const MAX_AGE_MS = 40;

const caller = fc.record({
  gapMs: fc.nat(60),
  key: fc.constantFrom("a", "b"),
  workMs: fc.integer({ min: 1, max: 150 }),
  ok: fc.boolean(),
  givesUpAfterMs: fc.option(fc.nat(100), { nil: undefined }),
});

test("nobody's work is started twice, no answer is older than maxAgeMs, and nobody is forgotten", () =>
  fc.assert(
    fc.asyncProperty(fc.array(caller, { minLength: 1, maxLength: 15 }), async (callers) => {
      const clock = new ManualClock();
      const flights = singleFlight({ maxAgeMs: MAX_AGE_MS, keysMax: 10 });
      const policy = pipelineOn(clock, flights);
      const starts = callers.map(() => 0);
      let settled = 0;
      let wrong = 0;
      for (const [i, { gapMs, key, workMs, ok, givesUpAfterMs }] of callers.entries()) {
        await clock.advanceAsync(gapMs);
        const joinedAtMs = clock.now();
        const controller = new AbortController();
        const work = (call: Call) => {
          starts[i] = (starts[i] as number) + 1;
          const answer = { key, startedAtMs: clock.now() };
          return takes(clock, workMs, ok ? answer : new Error("broken"))(call);
        };
        if (givesUpAfterMs !== undefined) {
          clock.setTimer(joinedAtMs + givesUpAfterMs, () => controller.abort(new Error("gone")));
        }
        policy.call(work, { key, signal: controller.signal }).then(
          (answer) => {
            settled++;
            const { key: answered, startedAtMs } = answer as { key: string; startedAtMs: number };
            if (answered !== key || joinedAtMs - startedAtMs >= MAX_AGE_MS) wrong++;
          },
          () => settled++,
        );
        expect(flights.stats().keys).toBeLessThanOrEqual(2);
      }
      await clock.advanceAsync(10_000);
      expect(settled).toBe(callers.length);
      expect(wrong).toBe(0);
      expect(Math.max(...starts)).toBeLessThanOrEqual(1);
      expect(flights.stats()).toMatchObject({ keys: 0, waiting: 0 });
      expect(clock.pendingTimers).toBe(0);
    }),
    { numRuns: 150 },
  ));
