// What retries may cost (src/retry-budget.ts).
import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { expect } from "vitest";
import type { Pipeline } from "../../src/pipeline.ts";
import type { RetryBudget } from "../../src/retry-budget.ts";
import { down, fail, succeed, turn } from "./helpers.ts";
import type { Specs, Subject } from "./subject.ts";

/**
 * A call a millisecond through three tiers, each of which tries four times, to a service that is
 * down.
 */
async function amplification(
  subject: Subject,
  calls: number,
  makeBudget: () => RetryBudget | undefined,
): Promise<number> {
  const clock = new ManualClock();
  const tier = (): Pipeline => {
    const budget = makeBudget();
    const backoff = { baseMs: 10, maxMs: 40, jitter: "none" } as const;
    const attempts = { attemptsMax: 4, backoff, ...(budget && { budget }) };
    return subject.pipelineOn(clock, subject.retry(attempts));
  };
  const [edge, middle, back] = [tier(), tier(), tier()];
  const idempotent = { idempotent: true };
  let arrived = 0;
  const work = async () => {
    arrived++;
    throw down;
  };
  const answers: Promise<unknown>[] = [];
  for (let i = 0; i < calls; i++) {
    const inner = () => back.call(work, idempotent);
    const call = edge.call(() => middle.call(inner, idempotent), idempotent);
    answers.push(call.catch(() => {}));
    await clock.advanceAsync(1);
  }
  await clock.advanceAsync(3_000);
  await Promise.all(answers);
  return arrived / calls;
}

export const retryBudgetSpecs: Specs = {
  "three tiers that all fail amplify by 64 without a budget, by 1.34 with one of a tenth": async (
    subject,
  ) => {
    expect(await amplification(subject, 50, () => undefined)).toBe(64);
    const makeBudget = () =>
      new subject.RetryBudget({ ratio: 0.1, fedBy: "requests", tokensMax: 1 });
    const amplified = await amplification(subject, 4_000, makeBudget);
    expect(amplified).toBeLessThanOrEqual(1.34);
    expect(amplified).toBeGreaterThan(1.32);
  },

  "fed by successes, a dependency that answers nothing gets the savings, and no more": async (
    subject,
  ) => {
    const makeBudget = () => new subject.RetryBudget({ tokensMax: 5 });
    expect(await amplification(subject, 1_000, makeBudget)).toBe(1 + 3 * (5 / 1_000));
  },

  "never grants more than tokensMax + ratio × deposits, nor less while it has a token": ({
    RetryBudget,
  }) => {
    const options = fc.record({
      thousandths: fc.integer({ min: 1, max: 1_000 }),
      tokensMax: fc.integer({ min: 1, max: 5 }),
      fedByRequests: fc.boolean(),
    });
    const steps = fc.array(fc.constantFrom("requested", "succeeded", "withdraw"), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(options, steps, ({ thousandths, tokensMax, fedByRequests }, script) => {
        const fedBy = fedByRequests ? "requests" : "successes";
        const budget = new RetryBudget({ ratio: thousandths / 1_000, tokensMax, fedBy });
        let milliTokens = tokensMax * 1_000;
        let granted = 0;
        let denied = 0;
        for (const step of script) {
          if (step === "withdraw") {
            const expected = milliTokens >= 1_000;
            expect(budget.withdraw()).toBe(expected);
            if (expected) milliTokens -= 1_000;
            if (expected) granted++;
            else denied++;
          } else {
            budget[step as "requested" | "succeeded"]();
            const pays = (step === "requested") === fedByRequests;
            if (pays) milliTokens = Math.min(tokensMax * 1_000, milliTokens + thousandths);
          }
          const tokens = milliTokens / 1_000;
          expect(budget.stats()).toEqual({ tokens, granted, denied });
        }
      }),
    );
  },

  "ten deposits of a tenth pay for one retry": ({ RetryBudget }) => {
    const budget = new RetryBudget({ ratio: 0.1, tokensMax: 1 });
    expect(budget.withdraw()).toBe(true);
    for (let i = 0; i < 9; i++) budget.succeeded();
    expect(budget.withdraw()).toBe(false);
    budget.succeeded();
    expect(budget.withdraw()).toBe(true);
  },

  "a retry asks its budget only when it would retry, and tells it of every call": async (
    subject,
  ) => {
    const { pipelineOn, retry, RetryBudget } = subject;
    const clock = new ManualClock();
    const told: string[] = [];
    const budget = new RetryBudget({ tokensMax: 1 });
    for (const word of ["requested", "succeeded", "withdraw"] as const) {
      const original = budget[word].bind(budget);
      budget[word] = () => {
        told.push(word);
        return original() as boolean;
      };
    }
    const policy = retry({ budget, attemptsMax: 2, backoff: { jitter: "none", baseMs: 10 } });
    const calls = pipelineOn(clock, policy);
    const run = async (work: () => Promise<unknown>, idempotent: boolean) => {
      const call = calls.call(work, { idempotent }).catch(() => {});
      await clock.advanceAsync(100);
      await call;
      return told.splice(0);
    };
    expect(await run(succeed, true)).toEqual(["requested", "succeeded"]);
    expect(await run(fail, false)).toEqual(["requested"]);
    let attempts = 0;
    const second = async () => {
      if (++attempts === 1) throw down;
    };
    expect(await run(second, true)).toEqual(["requested", "withdraw", "succeeded"]);
    expect(await run(fail, true)).toEqual(["requested", "withdraw"]);
    expect(policy.stats()).toMatchObject({ overBudget: 1, retries: 1, failed: 2 });
  },

  "nothing is paid for a call that nobody waits for": async (subject) => {
    const budget = new subject.RetryBudget();
    const calls = subject.pipelineOn(new ManualClock(), subject.retry({ budget }));
    const controller = new AbortController();
    const { promise, reject } = Promise.withResolvers<void>();
    const options = { idempotent: true, signal: controller.signal };
    const call = calls.call(() => promise, options).catch(() => {});
    controller.abort();
    reject(down);
    await call;
    await turn();
    expect(budget.stats()).toMatchObject({ granted: 0, denied: 0 });
  },

  "over budget, the failure comes at once": async (subject) => {
    const clock = new ManualClock();
    const budget = new subject.RetryBudget({ tokensMax: 1 });
    budget.withdraw();
    const calls = subject.pipelineOn(clock, subject.retry({ budget }));
    const call = calls.call(fail, { idempotent: true });
    await expect(Promise.race([call, turn()])).rejects.toBe(down);
  },

  "options must be in range": ({ RetryBudget }) => {
    for (const ratio of [0, 0.0009, 1.1, Number.NaN]) {
      expect(() => new RetryBudget({ ratio })).toThrow(/ratio .* got/);
    }
    for (const tokensMax of [0, 0.9, Infinity, Number.NaN]) {
      expect(() => new RetryBudget({ tokensMax })).toThrow(/tokensMax .* got/);
    }
    expect(() => new RetryBudget({ fedBy: "luck" as never })).toThrow(/fedBy .* got luck/);
  },
};
