// Bounded concurrency and the queue before it (src/bulkhead.ts, src/wait-queue.ts).
import { ManualClock } from "@compendium/runtime";
import fc from "fast-check";
import { expect } from "vitest";
import type { Policy } from "../../src/policy.ts";
import type { Waiter } from "../../src/wait-queue.ts";
import { codeOf, fail, Job, succeed, turn, watch } from "./helpers.ts";
import type { Specs } from "./subject.ts";

function makeWaiter(name: string, arrivedAtMs: number, events: string[]): Waiter {
  return {
    arrivedAtMs,
    deadlineMs: Infinity,
    criticality: "critical",
    admit: () => events.push(name),
    refuse: (error) => events.push(`${name} ${error.code}`),
  };
}

export const bulkheadSpecs: Specs = {
  "runs as many calls as there are places, and refuses the next": async (subject) => {
    const policy = subject.bulkhead({ concurrencyMax: 2 });
    const calls = subject.pipeline(policy);
    const job = new Job();
    const watched = [watch(calls.call(job.work)), watch(calls.call(job.work))];
    expect(await codeOf(calls.call(job.work))).toBe("BULKHEAD_FULL");
    expect(policy.stats()).toEqual({ running: 2, waiting: 0, admitted: 2, refused: 1, shed: 0 });
    await job.succeed();
    await job.fail();
    expect(watched.map(({ settled }) => settled)).toEqual([1, 1]);
    expect(policy.stats().running).toBe(0);
    expect(await calls.call(succeed)).toBe("done");
  },

  "a place is kept for as long as the work runs, whoever has given up on it": async (subject) => {
    const { bulkhead, timeout, pipelineOn } = subject;
    const limit = () => bulkhead({ concurrencyMax: 2 });
    const impatient = () => timeout({ timeoutMs: 10 });
    for (const policies of [
      [limit(), impatient()],
      [impatient(), limit()],
    ]) {
      const clock = new ManualClock();
      const calls = pipelineOn(clock, ...policies);
      const job = new Job();
      const codes: unknown[] = [];
      for (let i = 0; i < 10; i++) {
        const controller = new AbortController();
        const call = codeOf(calls.call(job.work, { signal: controller.signal }));
        if (i === 1) controller.abort("enough");
        await clock.advanceAsync(30);
        codes.push(await call);
      }
      expect(job.runningMax).toBe(2);
      expect(codes.slice(0, 3)).toEqual(["TIMEOUT", "enough", "BULKHEAD_FULL"]);
      await job.succeed();
      await job.fail();
      expect(await calls.call(succeed)).toBe("done");
    }
  },

  "never more run than there are places, and nobody waits beside a free one": async (subject) => {
    const command = fc.oneof(
      { weight: 3, arbitrary: fc.constant("call" as const) },
      { weight: 2, arbitrary: fc.nat(5) },
      { weight: 1, arbitrary: fc.constant("abort" as const) },
      { weight: 1, arbitrary: fc.constant("pass" as const) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 4 }),
        fc.constantFrom("fifo" as const, "adaptive-lifo" as const),
        fc.array(command, { maxLength: 30 }),
        async (concurrencyMax, lengthMax, order, commands) => {
          const clock = new ManualClock();
          const queue = { lengthMax, order, waitMsMax: 100 };
          const policy = subject.bulkhead({ concurrencyMax, queue });
          const calls = subject.pipelineOn(clock, policy);
          const job = new Job();
          const controllers: AbortController[] = [];
          let settled = 0;
          for (const step of commands) {
            if (step === "call") {
              const controller = new AbortController();
              controllers.push(controller);
              const { signal } = controller;
              calls.call(job.work, { signal }).then(
                () => settled++,
                () => settled++,
              );
            } else if (step === "abort") controllers.shift()?.abort();
            else if (step === "pass") clock.advance(60);
            else if (step % 2 === 0) await job.succeed("done", step);
            else await job.fail(undefined, step);
            const { running, waiting } = policy.stats();
            expect(running).toBe(job.running);
            expect(running).toBeLessThanOrEqual(concurrencyMax);
            expect(waiting).toBeLessThanOrEqual(lengthMax);
            if (running < concurrencyMax) expect(waiting).toBe(0);
          }
          while (job.running > 0) await job.succeed();
          await turn();
          expect(settled).toBe(controllers.length + countOf(commands, "abort", controllers));
          expect(policy.stats()).toMatchObject({ running: 0, waiting: 0 });
        },
      ),
      { numRuns: 100 },
    );
  },

  "who waits is served first come, first served, and refused when the queue is full": async (
    subject,
  ) => {
    const policy = subject.bulkhead({ concurrencyMax: 1, queue: { lengthMax: 2 } });
    const calls = subject.pipeline(policy);
    const job = new Job();
    const order: string[] = [];
    const call = (name: string) =>
      codeOf(
        calls.call(() => {
          order.push(name);
          return job.work();
        }),
      );
    const all = [call("a"), call("b"), call("c"), call("d")];
    expect(await all[3]).toBe("BULKHEAD_FULL");
    await job.succeed();
    await job.fail();
    await job.succeed();
    await Promise.all(all);
    expect(order).toEqual(["a", "b", "c"]);
  },

  "who is aborted while waiting leaves in that turn, and never starts": async (subject) => {
    const policy = subject.bulkhead({ concurrencyMax: 1, queue: { lengthMax: 5 } });
    const calls = subject.pipeline(policy);
    const job = new Job();
    watch(calls.call(job.work));
    const controller = new AbortController();
    const aborted = watch(calls.call(job.work, { signal: controller.signal }));
    const after = watch(calls.call(job.work));
    controller.abort("enough");
    expect(policy.stats().waiting).toBe(1);
    await turn();
    expect(aborted.outcome).toBe("enough");
    await job.succeed();
    expect([job.started, after.outcome]).toEqual([2, "pending"]);
    await job.succeed();
    expect(policy.stats()).toMatchObject({ running: 0, waiting: 0, shed: 0 });
  },

  "a deadline ends the wait, even where the work hangs": async (subject) => {
    const clock = new ManualClock();
    const policy = subject.bulkhead({ concurrencyMax: 1, queue: { lengthMax: 5 } });
    const calls = subject.pipelineOn(clock, policy);
    const job = new Job();
    watch(calls.call(job.work));
    const waiting = watch(calls.call(job.work, { deadlineInMs: 100 }));
    await clock.advanceAsync(120);
    expect(waiting.outcome).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(policy.stats()).toMatchObject({ running: 1, waiting: 0 });
  },

  "a timeout that has passed in the queue is a timeout, even before its tick has come": async (
    subject,
  ) => {
    const { bulkhead, timeout, pipelineOn } = subject;
    const clock = new ManualClock();
    const limit = bulkhead({ concurrencyMax: 1, queue: { lengthMax: 5 } });
    const calls = pipelineOn(clock, timeout({ timeoutMs: 1 }), limit);
    const job = new Job();
    const codes = [calls.call(job.work), calls.call(job.work)].map(codeOf);
    clock.advance(2);
    // The place is free, and the one who waits is past his deadline, of which nobody has told yet.
    await job.succeed();
    await clock.advanceAsync(16);
    expect(await Promise.all(codes)).toEqual(["done", "TIMEOUT"]);
    expect(limit.stats()).toMatchObject({ running: 0, waiting: 0, shed: 1 });
    expect(job.started).toBe(1);
    // Whoever sets a deadline and does not keep it is turned away all the same.
    const careless: Policy = {
      kind: "custom",
      run: (call, next) => next(call.fork(call.clock.now() + 1)),
    };
    const others = pipelineOn(clock, careless, limit);
    watch(others.call(job.work));
    const late = codeOf(others.call(job.work));
    clock.advance(2);
    await job.succeed();
    await clock.advanceAsync(24);
    expect(await late).toBe("DEADLINE_EXCEEDED");
    expect(subject.wheelOf(clock).size).toBe(0);
  },

  "waitMsMax ends the wait, even where the work hangs": async (subject) => {
    const clock = new ManualClock();
    const queue = { lengthMax: 5, waitMsMax: 50 };
    const policy = subject.bulkhead({ concurrencyMax: 1, queue });
    const calls = subject.pipelineOn(clock, policy);
    const job = new Job();
    watch(calls.call(job.work));
    const waiting = watch(calls.call(job.work));
    await clock.advanceAsync(49);
    expect(waiting.outcome).toBe("pending");
    await clock.advanceAsync(20);
    expect(waiting.outcome).toMatchObject({ code: "SHED" });
    await job.succeed();
    expect(job.started).toBe(1);
    expect(policy.stats()).toMatchObject({ running: 0, waiting: 0, shed: 1 });
    expect(subject.wheelOf(clock).size).toBe(0);
  },

  "places and queue must have sizes": ({ bulkhead }) => {
    for (const concurrencyMax of [0, 1.5, Number.NaN, Infinity]) {
      expect(() => bulkhead({ concurrencyMax })).toThrow(/concurrencyMax .* got/);
    }
    const make = (queue: object) => () => bulkhead({ concurrencyMax: 1, queue: queue as never });
    expect(make({ lengthMax: -1 })).toThrow(/queue.lengthMax/);
    expect(make({ lengthMax: 1, order: "random" })).toThrow(/queue.order.*random/);
    expect(make({ lengthMax: 1, waitMsMax: 0 })).toThrow(/queue.waitMsMax/);
    expect(make({ lengthMax: 1, codel: { targetMs: 0 } })).toThrow(/codel.targetMs/);
    expect(make({ lengthMax: 1, codel: { intervalMs: -1 } })).toThrow(/codel.intervalMs/);
  },
};

export const waitQueueSpecs: Specs = {
  "adaptive LIFO: oldest first while at most half full, newest first beyond": ({ WaitQueue }) => {
    const queue = new WaitQueue({ lengthMax: 4, order: "adaptive-lifo" });
    const events: string[] = [];
    for (const name of ["a", "b", "c", "d"]) queue.add(makeWaiter(name, 0, events));
    expect(queue.full).toBe(true);
    while (queue.length > 0) queue.take(0)?.admit();
    expect(events).toEqual(["d", "c", "a", "b"]);
  },

  "CoDel: a burst may wait for intervalMs, a standing queue only for targetMs": ({ WaitQueue }) => {
    const queue = new WaitQueue({ lengthMax: 9, codel: { targetMs: 5, intervalMs: 100 } });
    const events: string[] = [];
    const add = (name: string, atMs: number) => queue.add(makeWaiter(name, atMs, events));
    add("a", 0);
    add("b", 0);
    add("c", 95);
    // The queue was empty a moment ago: 100 ms are a burst.
    queue.take(100)?.admit();
    // Now it stands: b has waited for longer than 5 ms, and so has c.
    add("d", 101);
    queue.take(101)?.admit();
    expect(events).toEqual(["a", "b SHED", "c SHED", "d"]);
    // It was empty just now, so that the next burst gets its time again.
    add("e", 150);
    queue.take(249)?.admit();
    expect(events.at(-1)).toBe("e");
    expect(queue.shed).toBe(2);
  },

  "whose deadline has passed is turned away, and says so": ({ WaitQueue }) => {
    const queue = new WaitQueue({ lengthMax: 3 });
    const events: string[] = [];
    queue.add({ ...makeWaiter("a", 0, events), deadlineMs: 50 });
    queue.add({ ...makeWaiter("b", 0, events), deadlineMs: 51 });
    queue.take(50)?.admit();
    expect(events).toEqual(["a DEADLINE_EXCEEDED", "b"]);
  },

  "waitMsMax turns away whoever waited longer, not who waited as long": ({ WaitQueue }) => {
    const queue = new WaitQueue({ lengthMax: 3, waitMsMax: 50 });
    const events: string[] = [];
    queue.add(makeWaiter("a", 0, events));
    queue.add(makeWaiter("b", 1, events));
    queue.take(51)?.admit();
    expect(events).toEqual(["a SHED", "b"]);
  },

  "whoever leaves from anywhere leaves the others in order": ({ WaitQueue }) => {
    const step = fc.oneof(fc.constant(-1), fc.nat(9));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const queue = new WaitQueue({ lengthMax: 100 });
        const model: Waiter[] = [];
        const all: Waiter[] = [];
        for (const which of steps) {
          if (which === -1 || all.length < 3) {
            const waiter = makeWaiter("", 0, []);
            queue.add(waiter);
            model.push(waiter);
            all.push(waiter);
          } else if (which === 0) expect(queue.take(0)).toBe(model.shift());
          else {
            const waiter = all[which % all.length] as Waiter;
            const index = model.indexOf(waiter);
            expect(queue.remove(waiter)).toBe(index !== -1);
            if (index !== -1) model.splice(index, 1);
          }
          expect(queue.length).toBe(model.length);
        }
      }),
    );
  },

  "a place that is refused goes to nobody": async (subject) => {
    const clock = new ManualClock();
    const queue = { lengthMax: 2, codel: { targetMs: 5, intervalMs: 10 } };
    const policy = subject.bulkhead({ concurrencyMax: 1, queue });
    const calls = subject.pipelineOn(clock, policy);
    const job = new Job();
    watch(calls.call(job.work));
    const shed = codeOf(calls.call(job.work));
    await clock.advanceAsync(50);
    await job.succeed();
    expect(await shed).toBe("SHED");
    expect(policy.stats()).toMatchObject({ running: 0, waiting: 0, shed: 1 });
    await calls.call(fail).catch(() => {});
    expect(policy.stats().running).toBe(0);
  },
};

// Controllers that were taken out of the list because they were aborted.
function countOf(
  commands: readonly unknown[],
  word: string,
  controllers: readonly unknown[],
): number {
  const calls = commands.filter((command) => command === "call").length;
  const aborts = commands.filter((command) => command === word).length;
  return Math.min(aborts, calls - controllers.length);
}
