// Pipelines and orders (src/pipeline.ts, src/order.ts).
import { getEventListeners } from "node:events";
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { ManualClock } from "@compendium/runtime";
import { expect } from "vitest";
import type { Call } from "../../src/call.ts";
import type { Next, Policy } from "../../src/policy.ts";
import { codeOf, down, fail, hang, Job, succeed, turn, unhandledIn, watch } from "./helpers.ts";
import type { Specs } from "./subject.ts";

/** A policy that notes when it is asked, and may delay what is further in. */
function tracer(name: string, trace: string[], before?: Promise<void>): Policy {
  return {
    kind: "custom",
    async run<T>(call: Call, next: Next<T>): Promise<T> {
      trace.push(`${name} before`);
      await before;
      try {
        return await next(call);
      } finally {
        trace.push(`${name} after`);
      }
    },
  };
}

export const pipelineSpecs: Specs = {
  "policies run outermost first": async ({ pipeline }) => {
    const trace: string[] = [];
    await pipeline(tracer("outer", trace), tracer("inner", trace)).call(() => trace.push("work"));
    expect(trace).toEqual(["outer before", "inner before", "work", "inner after", "outer after"]);
  },

  "work may return, throw, or answer with a promise or a thenable": async ({ pipeline }) => {
    const calls = pipeline();
    expect(await calls.call(() => 1)).toBe(1);
    expect(await calls.call(() => undefined)).toBe(undefined);
    expect(await calls.call(succeed)).toBe("done");
    const thenable: PromiseLike<number> = Promise.resolve(2);
    expect(await calls.call(() => thenable)).toBe(2);
    await expect(calls.call(fail)).rejects.toBe(down);
    const atOnce = () => {
      throw down;
    };
    await expect(calls.call(atOnce)).rejects.toBe(down);
  },

  "what a policy throws is a rejection, and what is outside goes on": async (subject) => {
    const broken: Policy = {
      kind: "custom",
      run: () => {
        throw down;
      },
    };
    const bulkhead = subject.bulkhead({ concurrencyMax: 1 });
    const calls = subject.pipeline(bulkhead, broken);
    for (let i = 0; i < 3; i++) await expect(calls.call(succeed)).rejects.toBe(down);
    expect(bulkhead.stats().running).toBe(0);
  },

  "nothing starts for a signal that is aborted already": async ({ pipeline }) => {
    const job = new Job();
    const signal = AbortSignal.abort("enough");
    await expect(pipeline().call(job.work, { signal })).rejects.toBe("enough");
    expect(job.started).toBe(0);
  },

  "an abort settles the call in its turn with the signal's reason, and reaches the work": async ({
    pipeline,
  }) => {
    const controller = new AbortController();
    let reasonOfWork: unknown;
    const work = (call: Call) => {
      call.signal.addEventListener("abort", () => {
        reasonOfWork = call.signal.reason;
      });
      return hang();
    };
    const watched = watch(pipeline().call(work, { signal: controller.signal }));
    controller.abort("enough");
    expect(reasonOfWork).toBe("enough");
    await turn();
    expect(watched).toEqual({ outcome: "enough", settled: 1 });
  },

  "a policy that goes on after the abort starts nothing": async ({ pipeline }) => {
    const trace: string[] = [];
    const gate = Promise.withResolvers<void>();
    const controller = new AbortController();
    const calls = pipeline(tracer("slow", trace, gate.promise), tracer("inner", trace));
    const watched = watch(calls.call(() => trace.push("work"), { signal: controller.signal }));
    controller.abort("enough");
    gate.resolve();
    await turn();
    expect(watched.outcome).toBe("enough");
    expect(trace).toEqual(["slow before", "slow after"]);
  },

  "work may abort its own caller, at once": async ({ pipeline }) => {
    const controller = new AbortController();
    const work = () => {
      controller.abort("mine");
      return hang();
    };
    const watched = watch(pipeline().call(work, { signal: controller.signal }));
    await turn();
    expect(watched.outcome).toBe("mine");
  },

  "no listener stays on the caller's signal, nor a deadline on the wheel": async (subject) => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const calls = subject.pipelineOn(clock);
    const wheel = subject.wheelOf(clock);
    await calls.call(succeed, { signal, deadlineInMs: 100 });
    await calls.call(fail, { signal, deadlineInMs: 100 }).catch(() => {});
    expect([getEventListeners(signal, "abort").length, wheel.size]).toEqual([0, 0]);
    const late = watch(calls.call(hang, { signal, deadlineInMs: 100 }));
    await clock.advanceAsync(200);
    expect(late.settled).toBe(1);
    expect(getEventListeners(signal, "abort").length).toBe(0);
    const controller = new AbortController();
    watch(calls.call(hang, { signal: controller.signal, deadlineInMs: 100 }));
    controller.abort();
    expect(wheel.size).toBe(0);
  },

  "a deadline needs no signal: it rejects in time, not before, and aborts the work": async ({
    pipelineOn,
  }) => {
    const clock = new ManualClock();
    let call: Call | undefined;
    const work = (given: Call) => {
      call = given;
      return hang();
    };
    const watched = watch(pipelineOn(clock).call(work, { deadlineInMs: 1_000 }));
    expect(call?.deadlineMs).toBe(1_000);
    await clock.advanceAsync(999);
    expect(watched.outcome).toBe("pending");
    await clock.advanceAsync(17);
    expect(watched.outcome).toMatchObject({ name: "ResilienceError", code: "DEADLINE_EXCEEDED" });
    expect(call?.signal.aborted).toBe(true);
  },

  "a deadline that has passed starts nothing; Infinity is none; NaN is a mistake": async ({
    pipelineOn,
  }) => {
    const clock = new ManualClock();
    const calls = pipelineOn(clock);
    const job = new Job();
    for (const deadlineInMs of [0, -1, Number.NEGATIVE_INFINITY]) {
      expect(await codeOf(calls.call(job.work, { deadlineInMs }))).toBe("DEADLINE_EXCEEDED");
    }
    expect(job.started).toBe(0);
    expect(await calls.call((call) => call.remainingMs(), { deadlineInMs: Infinity })).toBe(
      Infinity,
    );
    expect(clock.pendingTimers).toBe(0);
    expect(() => calls.call(succeed, { deadlineInMs: Number.NaN })).toThrow(/deadlineInMs.*NaN/);
  },

  "a failure that nobody handles is reported; what was given up on is not": async (subject) => {
    const clock = new ManualClock();
    const { circuitBreaker, bulkhead, retry, timeout, pipelineOn } = subject;
    const policies = () => [
      retry({ attemptsMax: 1 }),
      circuitBreaker(new CircuitBreaker()),
      timeout({ timeoutMs: 50 }),
      bulkhead({ concurrencyMax: 10 }),
    ];
    const dropped = await unhandledIn(async () => {
      pipelineOn(clock, ...policies()).call(fail);
    });
    expect(dropped).toEqual([down]);
    const lost = await unhandledIn(async () => {
      const job = new Job();
      const calls = pipelineOn(clock, ...policies());
      expect(await codeOf(advance(clock, calls.call(job.work)))).toBe("TIMEOUT");
      await job.fail();
      const controller = new AbortController();
      const { signal } = controller;
      watch(calls.call(job.work, { signal, deadlineInMs: 10 }));
      controller.abort();
      await job.fail();
    });
    expect(lost).toEqual([]);
  },

  "orders that cannot work are refused, with the reason": (subject) => {
    const { retry, fallback, circuitBreaker, pipeline } = subject;
    const breaker = circuitBreaker(new CircuitBreaker());
    const answer = fallback(() => "instead");
    const one = retry();
    expect(() => pipeline(one, answer)).toThrow(/fallback inside retry cannot work: .*outside/);
    expect(() => pipeline(one, breaker, answer)).toThrow(TypeError);
    expect(() => pipeline(breaker, answer)).toThrow(/hides every failure/);
    expect(() => pipeline(one, breaker, retry())).toThrow(/multiply/);
    expect(() => pipeline(one, one)).toThrow(/same retry stands twice/);
    expect(() => pipeline(undefined as never)).toThrow(/policy 0 must have a method "run"/);
    pipeline(answer, one, breaker);
    pipeline(breaker, one);
  },

  "a tally is kept only where a limit stands outside of who may give up": (subject) => {
    const { losesSight, bulkhead, timeout, retry } = subject;
    const [limit, impatient] = [bulkhead({ concurrencyMax: 1 }), timeout({ timeoutMs: 1 })];
    expect(losesSight([limit, impatient])).toBe(true);
    expect(losesSight([limit, retry(), impatient])).toBe(true);
    expect(losesSight([impatient, limit])).toBe(false);
    expect(losesSight([limit, retry()])).toBe(false);
    expect(losesSight([impatient])).toBe(false);
  },
};

async function advance<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  watch(promise);
  await clock.advanceAsync(100);
  return promise;
}
