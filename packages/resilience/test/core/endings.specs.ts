// Timeouts, fallbacks, and breakers inside a pipeline (src/timeout.ts, src/fallback.ts,
// src/circuit-breaker.ts).
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { ManualClock } from "@compendium/runtime";
import { expect, expectTypeOf } from "vitest";
import type { Call } from "../../src/call.ts";
import { codeOf, down, fail, hang, Job, succeed, turn, watch } from "./helpers.ts";
import type { Specs } from "./subject.ts";

export const timeoutSpecs: Specs = {
  "an attempt is given up after timeoutMs, never before, with an error that says so": async (
    subject,
  ) => {
    const clock = new ManualClock({ nowMs: 3 });
    const policy = subject.timeout({ timeoutMs: 100 });
    const watched = watch(subject.pipelineOn(clock, policy).call(hang));
    await clock.advanceAsync(99);
    expect(watched.outcome).toBe("pending");
    await clock.advanceAsync(17);
    expect(watched.outcome).toMatchObject({ code: "TIMEOUT", message: "no answer within 100 ms" });
    expect(policy.stats()).toEqual({ inTime: 0, timedOut: 1, cancelled: 0 });
  },

  "its work is told, and the calls beside it are not": async (subject) => {
    const clock = new ManualClock();
    const calls = subject.pipelineOn(clock, subject.timeout({ timeoutMs: 100 }));
    const signals: AbortSignal[] = [];
    const work = (call: Call) => {
      signals.push(call.signal);
      return hang();
    };
    const first = watch(calls.call(work));
    await clock.advanceAsync(60);
    const second = watch(calls.call(work));
    await clock.advanceAsync(60);
    expect([first.settled, second.settled]).toEqual([1, 0]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(signals[0]?.reason).toBe(first.outcome);
  },

  "one attempt's timeout does not abort the next attempt": async (subject) => {
    const clock = new ManualClock();
    const { pipelineOn, retry, timeout } = subject;
    const backoff = { jitter: "none", baseMs: 1 } as const;
    const calls = pipelineOn(clock, retry({ backoff }), timeout({ timeoutMs: 50 }));
    let attempts = 0;
    const work = () => (++attempts === 1 ? hang() : succeed());
    const watched = watch(calls.call<unknown>(work, { idempotent: true }));
    await clock.advanceAsync(200);
    expect(watched.outcome).toBe("done");
  },

  "an attempt that is over does not hear of what becomes of its call": async (subject) => {
    const clock = new ManualClock();
    const { pipelineOn, retry, timeout } = subject;
    const backoff = { jitter: "none", baseMs: 1 } as const;
    const calls = pipelineOn(clock, retry({ backoff }), timeout({ timeoutMs: 50 }));
    const signals: AbortSignal[] = [];
    const work = (call: Call) => {
      signals.push(call.signal);
      return signals.length === 1 ? fail() : hang();
    };
    const controller = new AbortController();
    watch(calls.call(work, { idempotent: true, signal: controller.signal }));
    await clock.advanceAsync(10);
    controller.abort("enough");
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
  },

  "what answers in time leaves nothing on the wheel, success or failure": async (subject) => {
    const clock = new ManualClock();
    const policy = subject.timeout({ timeoutMs: 100 });
    const calls = subject.pipelineOn(clock, policy);
    expect(await calls.call(succeed)).toBe("done");
    await expect(calls.call(fail)).rejects.toBe(down);
    expect(subject.wheelOf(clock).size).toBe(0);
    expect(policy.stats()).toEqual({ inTime: 2, timedOut: 0, cancelled: 0 });
    clock.advance(1_000);
    expect(clock.pendingTimers).toBe(0);
  },

  "an attempt that was aborted from outside is neither in time nor late": async (subject) => {
    const clock = new ManualClock();
    const policy = subject.timeout({ timeoutMs: 100 });
    const controller = new AbortController();
    const job = new Job();
    const { signal } = controller;
    const watched = watch(subject.pipelineOn(clock, policy).call(job.work, { signal }));
    controller.abort("enough");
    await clock.advanceAsync(200);
    expect(watched.outcome).toBe("enough");
    await job.fail();
    expect(policy.stats()).toEqual({ inTime: 0, timedOut: 0, cancelled: 1 });
  },

  "the work's deadline is the nearer of the timeout's and the caller's": async (subject) => {
    const clock = new ManualClock();
    const calls = subject.pipelineOn(clock, subject.timeout({ timeoutMs: 100 }));
    const read = (call: Call) => call.remainingMs();
    expect(await calls.call(read)).toBe(100);
    expect(await calls.call(read, { deadlineInMs: 30 })).toBe(30);
    expect(await calls.call(read, { deadlineInMs: 300 })).toBe(100);
  },

  "timeoutMs must be a number above 0": ({ timeout }) => {
    for (const timeoutMs of [0, -1, Infinity, Number.NaN]) {
      expect(() => timeout({ timeoutMs })).toThrow(/timeoutMs .* got/);
    }
  },
};

export const fallbackSpecs: Specs = {
  "answers a failure, and is not asked about a success": async (subject) => {
    const asked: unknown[] = [];
    const policy = subject.fallback((error) => {
      asked.push(error);
      return 7;
    });
    const calls = subject.pipeline(policy);
    const answer = await calls.call(succeed);
    expectTypeOf(answer).toEqualTypeOf<string | number>();
    expect([answer, await calls.call(fail)]).toEqual(["done", 7]);
    expect(asked).toEqual([down]);
    expect(policy.stats()).toEqual({ answered: 1, failed: 0 });
  },

  "may answer later, and what it throws is what the caller gets": async (subject) => {
    const other = new Error("other");
    const policy = subject.fallback(async (error) => {
      if (error === down) throw other;
      return "instead" as const;
    });
    const calls = subject.pipeline(policy, subject.timeout({ timeoutMs: 1_000 }));
    await expect(calls.call(fail)).rejects.toBe(other);
    const answer = await calls.call(() => Promise.reject<number>(1));
    expectTypeOf(answer).toEqualTypeOf<number | "instead">();
    expect(answer).toBe("instead");
    expect(policy.stats()).toEqual({ answered: 1, failed: 1 });
  },

  "is not asked once the caller has given up, or its deadline has passed": async (subject) => {
    const clock = new ManualClock();
    const policy = subject.fallback(() => "instead");
    const calls = subject.pipelineOn(clock, policy);
    const controller = new AbortController();
    const job = new Job();
    const aborted = codeOf(calls.call(job.work, { signal: controller.signal }));
    const late = codeOf(calls.call(job.work, { deadlineInMs: 10 }));
    controller.abort("enough");
    await clock.advanceAsync(50);
    expect([await aborted, await late]).toEqual(["enough", "DEADLINE_EXCEEDED"]);
    await job.fail();
    await job.fail();
    expect(policy.stats()).toEqual({ answered: 0, failed: 0 });
  },

  "must be a function": ({ fallback }) => {
    expect(() => fallback("instead" as never)).toThrow(/function, got string/);
  },
};

export const breakerSpecs: Specs = {
  "a breaker opens at failures, and its refusals pass through the pipeline": async (subject) => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 2 });
    const policy = subject.circuitBreaker(breaker);
    const calls = subject.pipeline(policy);
    for (let i = 0; i < 2; i++) await calls.call(fail).catch(() => {});
    expect(await codeOf(calls.call(succeed))).toBe("CIRCUIT_OPEN");
    expect(policy.stats().counts).toMatchObject({ failure: 2, refusedOpen: 1 });
  },

  "a caller's abort counts as cancelled, in its turn; the place stays until the work ends": async (
    subject,
  ) => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 1 });
    const calls = subject.pipeline(subject.circuitBreaker(breaker));
    const controller = new AbortController();
    const job = new Job();
    watch(calls.call(job.work, { signal: controller.signal }));
    controller.abort("enough");
    expect(breaker.stats().counts).toMatchObject({ cancelled: 1, failure: 0 });
    await turn();
    expect(breaker.stats()).toMatchObject({ state: "closed", inFlight: 1 });
    await job.fail();
    expect(breaker.stats()).toMatchObject({ state: "closed", inFlight: 0 });
    expect(breaker.stats().counts).toMatchObject({ cancelled: 1, failure: 0 });
  },

  "an aborted probe gives its place to another at once": async (subject) => {
    const clock = new ManualClock();
    const options = { consecutiveFailures: 1, halfOpenCalls: 1, openForMs: 100, openJitter: 0 };
    const breaker = new CircuitBreaker({ ...options, clock });
    const calls = subject.pipelineOn(clock, subject.circuitBreaker(breaker));
    await calls.call(fail).catch(() => {});
    clock.advance(100);
    const controller = new AbortController();
    watch(calls.call(hang, { signal: controller.signal }));
    expect(await codeOf(calls.call(succeed))).toBe("CIRCUIT_HALF_OPEN");
    controller.abort("enough");
    expect(await calls.call(succeed)).toBe("done");
    expect(breaker.state).toBe("closed");
  },

  "a timeout counts as a failure, whether it stands inside or outside": async (subject) => {
    const { circuitBreaker, timeout, pipelineOn } = subject;
    for (const outside of [false, true]) {
      const clock = new ManualClock();
      const breaker = new CircuitBreaker({ consecutiveFailures: 2, clock });
      const policies = [circuitBreaker(breaker), timeout({ timeoutMs: 50 })];
      const calls = pipelineOn(clock, ...(outside ? policies.reverse() : policies));
      const codes = [];
      for (let i = 0; i < 3; i++) {
        const code = codeOf(calls.call(hang));
        await clock.advanceAsync(60);
        codes.push(await code);
      }
      expect(codes).toEqual(["TIMEOUT", "TIMEOUT", "CIRCUIT_OPEN"]);
      expect(breaker.stats().counts).toMatchObject({ failure: 2, cancelled: 0 });
    }
  },

  "a deadline that passes counts as a failure; isFailure may say otherwise": async (subject) => {
    const clock = new ManualClock();
    const isFailure = () => "ignored" as const;
    const judged = new CircuitBreaker({ clock });
    const spared = new CircuitBreaker({ clock, isFailure });
    for (const breaker of [judged, spared]) {
      const calls = subject.pipelineOn(clock, subject.circuitBreaker(breaker));
      const code = codeOf(calls.call(hang, { deadlineInMs: 50 }));
      await clock.advanceAsync(60);
      expect(await code).toBe("DEADLINE_EXCEEDED");
    }
    expect(judged.stats().counts.failure).toBe(1);
    expect(spared.stats().counts).toMatchObject({ failure: 0, ignored: 1 });
  },

  "a call that ends by itself counts as it ended, whether it could be aborted or not": async (
    subject,
  ) => {
    const breaker = new CircuitBreaker();
    const calls = subject.pipeline(subject.circuitBreaker(breaker));
    const { signal } = new AbortController();
    for (const options of [{}, { signal }]) {
      expect(await calls.call(succeed, options)).toBe("done");
      await expect(calls.call(fail, options)).rejects.toBe(down);
    }
    await turn();
    expect(breaker.stats().counts).toMatchObject({ success: 2, failure: 2, cancelled: 0 });
    expect(breaker.stats().inFlight).toBe(0);
  },

  "a refusal further in says nothing about the dependency, and its error arrives": async (
    subject,
  ) => {
    const { circuitBreaker, bulkhead, pipeline } = subject;
    const breaker = new CircuitBreaker({ consecutiveFailures: 1 });
    const inner = new CircuitBreaker();
    const places = [
      circuitBreaker(breaker),
      circuitBreaker(inner),
      bulkhead({ concurrencyMax: 1 }),
    ];
    const calls = pipeline(...places);
    const job = new Job();
    watch(calls.call(job.work));
    const { signal } = new AbortController();
    expect(await codeOf(calls.call(succeed))).toBe("BULKHEAD_FULL");
    expect(await codeOf(calls.call(succeed, { signal }))).toBe("BULKHEAD_FULL");
    inner.forceOpen();
    expect(await codeOf(calls.call(succeed))).toBe("CIRCUIT_FORCED_OPEN");
    await job.succeed();
    expect(breaker.stats()).toMatchObject({ state: "closed", inFlight: 0 });
    expect(breaker.stats().counts).toMatchObject({ success: 1, failure: 0, cancelled: 3 });
  },

  "what is no breaker is refused": ({ circuitBreaker }) => {
    expect(() => circuitBreaker({} as never)).toThrow(/breaker must be/);
  },
};
