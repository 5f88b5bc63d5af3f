// Retries and the waits between them (src/retry.ts, src/backoff.ts).
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { ManualClock, SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { expect } from "vitest";
import type { RetryOptions } from "../../src/retry.ts";
import { codeOf, down, greatest, hang, Job, least, succeed, turn, watch } from "./helpers.ts";
import type { Specs, Subject } from "./subject.ts";

const none = { jitter: "none", baseMs: 100, maxMs: 1_000 } as const;

function setUp(subject: Subject, options: RetryOptions = {}) {
  const clock = new ManualClock();
  const policy = subject.retry({ backoff: none, ...options });
  const calls = subject.pipelineOn(clock, policy);
  const startedAtMs: number[] = [];
  const start = <T>(work: () => T, more: object = {}) =>
    watch(
      calls.call(
        () => {
          startedAtMs.push(clock.now());
          return work();
        },
        { idempotent: true, ...more },
      ),
    );
  return { clock, policy, start, startedAtMs };
}

const failWith = (error: unknown) => async () => {
  throw error;
};

export const retrySpecs: Specs = {
  "a failure is repeated after a wait that doubles, attemptsMax times in all": async (subject) => {
    const { clock, policy, start, startedAtMs } = setUp(subject, { attemptsMax: 4 });
    const watched = start(failWith(down));
    await clock.advanceAsync(10_000);
    expect(startedAtMs).toEqual([0, 100, 300, 700]);
    expect(watched.outcome).toBe(down);
    expect(policy.stats()).toMatchObject({ failed: 1, retries: 3, firstTime: 0, afterRetry: 0 });
  },

  "a success ends it, and tells whether it came at once": async (subject) => {
    const { clock, policy, start } = setUp(subject);
    let attempts = 0;
    start(succeed);
    const watched = start(async () => {
      if (++attempts < 3) throw down;
      return attempts;
    });
    await clock.advanceAsync(1_000);
    expect(watched.outcome).toBe(3);
    expect(policy.stats()).toMatchObject({ firstTime: 1, afterRetry: 1, failed: 0, retries: 2 });
  },

  "a call that did not say it is idempotent is not repeated, unless told otherwise": async (
    subject,
  ) => {
    const { clock, policy, start } = setUp(subject);
    const watched = start(failWith(down), { idempotent: undefined });
    await turn();
    expect(watched.outcome).toBe(down);
    expect(policy.stats()).toMatchObject({ failed: 1, retries: 0, notIdempotent: 1 });
    const other = setUp(subject, { evenIfNotIdempotent: true });
    other.start(failWith(down), { idempotent: false });
    await clock.advanceAsync(1);
    await other.clock.advanceAsync(1_000);
    expect(other.policy.stats().retries).toBe(2);
  },

  "refusals of this process and misuse are not repeated; what may pass is": async (subject) => {
    const { ResilienceError } = subject;
    const open = new CircuitBreaker();
    open.forceOpen();
    const refusal = await open.call(succeed).catch((error: unknown) => error);
    const lasting = [
      refusal,
      new TypeError("x is not a function"),
      new RangeError("too large"),
      new TypeError("fetch failed", { cause: new TypeError("Invalid URL") }),
      ...(["BULKHEAD_FULL", "DEADLINE_EXCEEDED", "SHED", "THROTTLED", "RATE_LIMITED"] as const).map(
        (code) => new ResilienceError(code, "no"),
      ),
    ];
    const passing = [
      down,
      undefined,
      "a string",
      new ResilienceError("TIMEOUT", "late"),
      new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") }),
      Object.assign(new Error("theirs"), { code: "RATE_LIMITED" }),
    ];
    for (const [errors, retries] of [
      [lasting, 0],
      [passing, 2],
    ] as const) {
      for (const error of errors) {
        const { clock, policy, start } = setUp(subject);
        const watched = start(failWith(error));
        await clock.advanceAsync(1_000);
        expect(watched.outcome).toBe(error);
        expect(policy.stats().retries, String(error)).toBe(retries);
      }
    }
  },

  "retryIf decides instead, about answers as well; one that throws fails the call": async (
    subject,
  ) => {
    const retryIf: RetryOptions["retryIf"] = (result) =>
      result.status === "fulfilled" && (result.value as { status: number }).status === 503;
    const { clock, policy, start } = setUp(subject, { retryIf });
    const busy = start(async () => ({ status: 503 }));
    const fine = start(async () => ({ status: 200 }));
    const failed = start(failWith(down));
    await clock.advanceAsync(1_000);
    expect([busy.outcome, fine.outcome, failed.outcome]).toEqual([
      { status: 503 },
      { status: 200 },
      down,
    ]);
    expect(policy.stats()).toMatchObject({ failed: 2, firstTime: 1, afterRetry: 0, retries: 2 });
    const mine = new Error("mine");
    const broken = setUp(subject, {
      retryIf: () => {
        throw mine;
      },
    });
    const watched = broken.start(succeed);
    await turn();
    expect(watched.outcome).toBe(mine);
    expect(broken.policy.stats()).toMatchObject({ failed: 1, firstTime: 0 });
  },

  "who asked to be left alone is, and the back-off comes on top": async (subject) => {
    const { clock, start, startedAtMs } = setUp(subject);
    start(failWith(Object.assign(new Error("busy"), { retryAfterMs: 2_000 })));
    await clock.advanceAsync(10_000);
    expect(startedAtMs).toEqual([0, 2_100, 4_300]);
  },

  "a negative wait means never; no number means nothing; too long a wait is not waited": async (
    subject,
  ) => {
    const attempts = async (retryAfterMs: number) => {
      const { clock, policy, start, startedAtMs } = setUp(subject, { retryAfterMsMax: 500 });
      start(failWith(Object.assign(new Error("busy"), { retryAfterMs })));
      await clock.advanceAsync(10_000);
      return [startedAtMs.length, policy.stats().tooLate];
    };
    expect(await attempts(-1)).toEqual([1, 0]);
    expect(await attempts(Number.NaN)).toEqual([3, 0]);
    expect(await attempts(500)).toEqual([3, 0]);
    expect(await attempts(501)).toEqual([1, 1]);
    expect(await attempts(Infinity)).toEqual([1, 1]);
  },

  "no attempt is made that would begin after the deadline; the failure comes at once": async (
    subject,
  ) => {
    const { clock, policy, start, startedAtMs } = setUp(subject);
    const tight = start(failWith(down), { deadlineInMs: 100 });
    await turn();
    expect(tight.outcome).toBe(down);
    expect(policy.stats().tooLate).toBe(1);
    start(failWith(down), { deadlineInMs: 101 });
    await clock.advanceAsync(1_000);
    expect(startedAtMs).toEqual([0, 0, 100]);
  },

  "an abort ends the back-off in its turn, with no further attempt": async (subject) => {
    const { clock, policy, start, startedAtMs } = setUp(subject);
    const controller = new AbortController();
    const watched = start(failWith(down), { signal: controller.signal });
    await clock.advanceAsync(50);
    expect(clock.pendingTimers).toBe(1);
    controller.abort("enough");
    expect(clock.pendingTimers).toBe(0);
    await turn();
    expect(watched.outcome).toBe("enough");
    await clock.advanceAsync(10_000);
    expect(startedAtMs).toEqual([0]);
    expect(policy.stats()).toMatchObject({ cancelled: 1, failed: 0, retries: 0 });
  },

  "an abort in the very moment in which the back-off ends makes no attempt either": async (
    subject,
  ) => {
    const { clock, policy, start, startedAtMs } = setUp(subject);
    const controller = new AbortController();
    start(failWith(down), { signal: controller.signal });
    await turn();
    // The timer fires, and before its promise's continuation runs, the caller gives up.
    clock.advance(100);
    controller.abort("enough");
    await turn();
    expect(startedAtMs).toEqual([0]);
    expect(policy.stats()).toMatchObject({ cancelled: 1, failed: 0, retries: 0 });
  },

  "a failure after the abort is not repeated, and counts as cancelled": async (subject) => {
    const { clock, policy, start } = setUp(subject);
    const job = new Job();
    const controller = new AbortController();
    start(job.work, { signal: controller.signal });
    controller.abort("enough");
    await job.fail();
    await clock.advanceAsync(1_000);
    expect(job.started).toBe(1);
    expect(policy.stats()).toMatchObject({ cancelled: 1, failed: 0, retries: 0 });
  },

  "no wait is begun that a timeout outside would cut short; one inside is a failure": async (
    subject,
  ) => {
    const { pipelineOn, retry, timeout } = subject;
    const clock = new ManualClock();
    const job = new Job();
    const outside = pipelineOn(clock, timeout({ timeoutMs: 150 }), retry({ backoff: none }));
    const watched = watch(outside.call(failWith(down), { idempotent: true }));
    await clock.advanceAsync(101);
    expect(watched.outcome).toBe(down);
    const inside = pipelineOn(clock, retry({ backoff: none }), timeout({ timeoutMs: 10 }));
    expect(await advance(clock, inside.call(job.work, { idempotent: true }))).toBe("TIMEOUT");
    expect(job.started).toBe(3);
  },

  "each call ends as one of four": async (subject) => {
    const ending = fc.constantFrom("succeed" as const, "fail" as const, "hang" as const);
    await fc.assert(
      fc.asyncProperty(fc.array(ending, { maxLength: 6 }), fc.boolean(), async (endings, abort) => {
        const { clock, policy, start } = setUp(subject, { attemptsMax: 2 });
        const controller = new AbortController();
        for (const ending of endings) {
          const work = { succeed, fail: failWith(down), hang }[ending];
          start<unknown>(work, { signal: controller.signal });
        }
        await clock.advanceAsync(50);
        if (abort) controller.abort();
        await clock.advanceAsync(1_000);
        const { firstTime, afterRetry, failed, cancelled } = policy.stats();
        // What hangs has not ended: it never does.
        const hangs = endings.filter((ending) => ending === "hang").length;
        expect(firstTime + afterRetry + failed + cancelled).toBe(endings.length - hangs);
      }),
      { numRuns: 30 },
    );
  },

  "options must be in range": ({ retry }) => {
    for (const attemptsMax of [0, 1.5, Number.NaN]) {
      expect(() => retry({ attemptsMax })).toThrow(/attemptsMax .* got/);
    }
    for (const retryAfterMsMax of [-1, Number.NaN, Infinity]) {
      expect(() => retry({ retryAfterMsMax })).toThrow(/retryAfterMsMax .* got/);
    }
  },
};

export const backoffSpecs: Specs = {
  "no wait is longer than maxMs, nor than the doubled base; full jitter begins at 0": ({
    Backoff,
  }) => {
    const options = fc.record({ baseMs: fc.integer({ min: 1, max: 1_000 }), seed: fc.nat() });
    fc.assert(
      fc.property(options, fc.integer({ min: 1, max: 2_000 }), ({ baseMs, seed }, retry) => {
        const random = new SeededRandom(seed);
        const maxMs = baseMs * 50;
        const ceilingMs = Math.min(maxMs, baseMs * 2 ** (retry - 1));
        const waitMs = new Backoff({ baseMs, maxMs }, random).waitMs(retry, 0);
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(ceilingMs);
        expect(Number.isInteger(waitMs)).toBe(true);
        expect(new Backoff({ baseMs, maxMs }, greatest).waitMs(retry, 0)).toBe(ceilingMs);
        expect(new Backoff({ baseMs, maxMs }, least).waitMs(retry, 0)).toBe(0);
        const exact = new Backoff({ baseMs, maxMs, jitter: "none" }, least);
        expect(exact.waitMs(retry, 0)).toBe(ceilingMs);
      }),
    );
  },

  "decorrelated jitter lies between the base and three times the last wait, from the first on": ({
    Backoff,
  }) => {
    const [low, high] = [least, greatest].map(
      (random) => new Backoff({ baseMs: 100, maxMs: 2_000, jitter: "decorrelated" }, random),
    );
    expect(low?.waitMs(1, 0)).toBe(100);
    expect(high?.waitMs(1, 0)).toBe(300);
    expect(low?.waitMs(2, 300)).toBe(100);
    expect(high?.waitMs(2, 300)).toBe(900);
    expect(high?.waitMs(3, 900)).toBe(2_000);
  },

  "clients that failed together do not return together": async (subject) => {
    for (const jitter of ["full", "decorrelated"] as const) {
      for (const retryAfterMs of [undefined, 1_000]) {
        const random = new SeededRandom(7);
        const backoff = { baseMs: 100, jitter };
        const { clock, start, startedAtMs } = setUp(subject, { backoff, random, attemptsMax: 2 });
        const busy = Object.assign(new Error("busy"), { retryAfterMs });
        for (let client = 0; client < 100; client++) start(failWith(busy));
        await clock.advanceAsync(10_000);
        const returned = startedAtMs.slice(100);
        expect(returned).toHaveLength(100);
        expect(new Set(returned).size).toBeGreaterThan(40);
      }
    }
  },

  "options must be in range": ({ Backoff }) => {
    const make = (options: object) => () => new Backoff(options, least);
    expect(make({ baseMs: 0 })).toThrow(/backoff.baseMs .* got 0/);
    expect(make({ baseMs: Infinity })).toThrow(RangeError);
    expect(make({ baseMs: 10, maxMs: 9 })).toThrow(/backoff.maxMs .*\(10\), got 9/);
    expect(make({ maxMs: Infinity })).toThrow(RangeError);
    expect(make({ jitter: "some" })).toThrow(/backoff.jitter .* got some/);
    expect(make({ baseMs: 20_000 })).not.toThrow();
  },
};

async function advance(clock: ManualClock, promise: Promise<unknown>): Promise<unknown> {
  const code = codeOf(promise);
  await clock.advanceAsync(1_000);
  return code;
}
