import { type Call, hedge, pipelineOn, RetryBudget } from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Ending, note, takes } from "./support/virtual.ts";

const attempt = fc.record({ ms: fc.integer({ min: 1, max: 200 }), ok: fc.boolean() });
const plan = fc.array(fc.tuple(fc.nat(100), fc.array(attempt, { minLength: 4, maxLength: 4 })), {
  minLength: 1,
  maxLength: 12,
});

test("the first success of the attempts that were made wins, and no attempt goes on after it", () =>
  fc.assert(
    fc.asyncProperty(plan, fc.integer({ min: 2, max: 4 }), async (calls, attemptsMax) => {
      const clock = new ManualClock();
      const delayMs = 16;
      const policy = pipelineOn(clock, hedge({ delayMs, attemptsMax, budget: unlimited }));
      for (const [gapMs, attempts] of calls) {
        await clock.advanceAsync(gapMs);
        const made: { endsAtMs: number; ok: boolean; call: Call }[] = [];
        const work = (call: Call) => {
          const { ms, ok } = attempts[made.length] as { ms: number; ok: boolean };
          made.push({ endsAtMs: clock.now() + ms, ok, call });
          return takes(clock, ms, ok ? made.length : new Error("broken"))(call);
        };
        const endings: Ending[] = [];
        const startedAtMs = clock.now();
        note(clock, endings, policy, work, { idempotent: true });
        await clock.advanceAsync(1_000);
        const ends = made.filter(({ ok }) => ok).map(({ endsAtMs }) => endsAtMs);
        const all = made.map(({ endsAtMs }) => endsAtMs);
        const expectedMs = ends.length > 0 ? Math.min(...ends) : Math.max(...all);
        expect(endings).toHaveLength(1);
        expect(endings[0]?.error === undefined).toBe(ends.length > 0);
        expect(endings[0]?.tookMs).toBe(expectedMs - startedAtMs);
        expect(made.length).toBeLessThanOrEqual(attemptsMax);
        for (const { endsAtMs, call } of made) {
          // One that ended with the winner, in the same turn, may not have been told.
          if (endsAtMs > expectedMs) expect(call.reason).toMatchObject({ code: "HEDGE_LOST" });
        }
        expect(clock.pendingTimers).toBe(0);
      }
    }),
    { numRuns: 60 },
  ));

test("never more hedges than the budget's savings and its share of the successes", () =>
  fc.assert(
    fc.asyncProperty(plan, fc.constantFrom(0.05, 0.1, 0.5), async (calls, ratio) => {
      const clock = new ManualClock();
      const hedging = hedge({ delayMs: 8, budget: new RetryBudget({ ratio, tokensMax: 2 }) });
      const policy = pipelineOn(clock, hedging);
      const endings: Ending[] = [];
      for (const [gapMs, attempts] of calls) {
        let made = 0;
        const work = (call: Call) => {
          const { ms, ok } = attempts[made++] as { ms: number; ok: boolean };
          return takes(clock, ms, ok ? "ok" : new Error("broken"))(call);
        };
        note(clock, endings, policy, work, { idempotent: true });
        await clock.advanceAsync(gapMs);
        const successes = endings.filter(({ error }) => error === undefined).length;
        expect(hedging.stats().hedges).toBeLessThanOrEqual(2 + ratio * successes);
      }
    }),
    { numRuns: 40 },
  ));

const unlimited = { requested() {}, succeeded() {}, withdraw: () => true };
