// Known defects of other libraries' timeouts, bulkheads and retries stay out of these: a permanent
// test each. Beside it stands what opossum 10 or cockatiel 4 does in the same case; a peer that
// mends its ways fails here, and its test is then to be renamed. Those of breakers are in
// packages/circuit-breaker/test/peer-defects.test.ts.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { bulkhead, circuitBreaker, pipelineOn, retry, timeout } from "@compendium/resilience";
import { ManualClock } from "@compendium/runtime";
import * as cockatiel from "cockatiel";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { codeOf, fail, hang, Job, least, succeed, turn } from "./core/helpers.ts";

// @ts-expect-error: opossum ships no types; two of its methods are used.
const { default: Stock } = (await import("opossum")) as {
  default: new (
    action: (...args: unknown[]) => unknown,
    options: object,
  ) => { fire(...args: unknown[]): Promise<unknown>; getSignal(): AbortSignal; closed: boolean };
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
});
afterEach(() => vi.useRealTimers());

const advance = async (ms: number): Promise<void> => {
  vi.advanceTimersByTime(ms);
  await turn();
};

describe("one timeout aborts its neighbours (opossum #780)", () => {
  test("ours aborts its own call", async () => {
    const clock = new ManualClock();
    const calls = pipelineOn(clock, timeout({ timeoutMs: 100 }));
    const signals: AbortSignal[] = [];
    const start = () =>
      codeOf(
        calls.call(({ signal }) => {
          signals.push(signal);
          return hang();
        }),
      );
    const first = start();
    await clock.advanceAsync(50);
    void start();
    // The wheel may be two ticks late, 16 ms.
    await clock.advanceAsync(66);
    expect(await first).toBe("TIMEOUT");
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    await clock.advanceAsync(50);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  test("opossum 10 does", async () => {
    const abortController = new AbortController();
    const breaker = new Stock(hang, { abortController, timeout: 100 });
    void codeOf(breaker.fire());
    await advance(50);
    const neighbour = breaker.getSignal();
    void codeOf(breaker.fire(neighbour));
    await advance(50);
    expect(neighbour.aborted).toBe(true);
  });
});

describe("a bulkhead of 2 runs 10: a timeout gives the place back while the work goes on", () => {
  test("ours runs 2, with the timeout outside", async () => {
    const clock = new ManualClock();
    const job = new Job();
    const calls = pipelineOn(clock, timeout({ timeoutMs: 10 }), bulkhead({ concurrencyMax: 2 }));
    for (let i = 0; i < 5; i++) {
      void codeOf(calls.call(job.work));
      void codeOf(calls.call(job.work));
      await clock.advanceAsync(26);
    }
    expect(job.running).toBe(2);
  });

  test("cockatiel 4 runs 10, with the timeout inside", async () => {
    const job = new Job();
    const calls = cockatiel.wrap(
      cockatiel.bulkhead(2),
      cockatiel.timeout(10, cockatiel.TimeoutStrategy.Aggressive),
    );
    for (let i = 0; i < 5; i++) {
      void codeOf(calls.execute(job.work));
      void codeOf(calls.execute(job.work));
      await turn();
      await advance(10);
    }
    expect(job.running).toBe(10);
  });

  test("opossum 10 runs 10", async () => {
    const job = new Job();
    const options = { capacity: 2, timeout: 10, errorThresholdPercentage: 100 };
    const breaker = new Stock(job.work, options);
    for (let i = 0; i < 5; i++) {
      void codeOf(breaker.fire());
      void codeOf(breaker.fire());
      await advance(10);
    }
    expect(job.running).toBe(10);
  });
});

describe("an aborted back-off makes the next call all the same", () => {
  test("ours does not, and settles in the turn of the abort", async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const work = vi.fn(fail);
    const calls = pipelineOn(clock, retry({ attemptsMax: 3, random: least }));
    const call = codeOf(calls.call(work, { idempotent: true, signal: controller.signal }));
    await turn();
    controller.abort("gone");
    expect(await call).toBe("gone");
    await clock.advanceAsync(60_000);
    expect(work).toHaveBeenCalledTimes(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test("cockatiel 4 does, after the whole wait", async () => {
    const controller = new AbortController();
    const work = vi.fn(fail);
    const backoff = new cockatiel.ConstantBackoff(1_000);
    const policy = cockatiel.retry(cockatiel.handleAll, { maxAttempts: 3, backoff });
    let settled = false;
    void codeOf(policy.execute(work, controller.signal)).then(() => {
      settled = true;
    });
    await turn();
    controller.abort("gone");
    await advance(999);
    expect(settled).toBe(false);
    await advance(1);
    expect(work).toHaveBeenCalledTimes(2);
  });
});

describe("a full bulkhead opens the circuit of a healthy dependency", () => {
  test("ours does not, with the breaker inside", async () => {
    const breaker = new CircuitBreaker({ minimumCalls: 1 });
    const job = new Job();
    const calls = pipelineOn(
      new ManualClock(),
      bulkhead({ concurrencyMax: 1 }),
      circuitBreaker(breaker),
    );
    void codeOf(calls.call(job.work));
    for (let i = 0; i < 20; i++) expect(await codeOf(calls.call(succeed))).toBe("BULKHEAD_FULL");
    expect(breaker.state).toBe("closed");
  });

  test("ours does not, with the breaker outside", async () => {
    const breaker = new CircuitBreaker({ minimumCalls: 1 });
    const job = new Job();
    const calls = pipelineOn(
      new ManualClock(),
      circuitBreaker(breaker),
      bulkhead({ concurrencyMax: 1 }),
    );
    void codeOf(calls.call(job.work));
    for (let i = 0; i < 20; i++) expect(await codeOf(calls.call(succeed))).toBe("BULKHEAD_FULL");
    expect(breaker.state).toBe("closed");
  });

  test("opossum 10 does", async () => {
    const breaker = new Stock((work) => (work as () => unknown)(), { capacity: 1 });
    const job = new Job();
    void codeOf(breaker.fire(job.work));
    for (let i = 0; i < 20; i++) await codeOf(breaker.fire(succeed));
    expect(breaker.closed).toBe(false);
  });
});
