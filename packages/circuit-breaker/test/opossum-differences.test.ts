// Where the opossum door differs from opossum 10, by MIGRATING.md's names. Each difference is two
// tests: what ours does, and that opossum does otherwise, so that a difference which opossum gives
// up is noticed. Those that other breakers share are in peer-defects.test.ts.
import { CircuitBreaker } from "@compendium/circuit-breaker/opossum";
import Stock from "opossum";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { deferred } from "./helpers.ts";
import { advance, fakeTime, settled } from "./opossum-pair.ts";

beforeEach(fakeTime);
afterEach(() => vi.useRealTimers());

type Breaker = typeof CircuitBreaker;
const both = [
  ["ours", CircuitBreaker],
  ["opossum 10 does otherwise", Stock],
] as const;
const is = (breaker: Breaker): boolean => breaker === CircuitBreaker;

const down = new Error("down");
const fails = async (): Promise<never> => {
  throw down;
};
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error) => error?.code ?? error?.message ?? error);

describe.each(both)("%s", (_, Breaker) => {
  const ours = is(Breaker);

  test("a failure rate that is not above the threshold does not open", async () => {
    const breaker = new Breaker(async (n: number) => (n < 45 ? n : fails()), {
      errorThresholdPercentage: 55,
      volumeThreshold: 100,
    });
    for (let n = 0; n < 100; n++) await codeOf(breaker.fire(n));
    expect(breaker.stats).toMatchObject({ fires: 100, failures: 55 });
    expect(breaker.closed).toBe(ours);
  });

  test("a failure counts among the calls that have ended", async () => {
    const work = deferred();
    const breaker = new Breaker(() => work.promise, {
      errorThresholdPercentage: 100,
      rollingCountTimeout: 1_000,
      timeout: false,
    });
    const call = codeOf(breaker.fire());
    await advance(2_000);
    work.reject(down);
    await call;
    expect(breaker.closed).toBe(ours); // One failure of no calls is more than any percentage.
  });

  test("answers from the cache do not hide that the dependency is down", async () => {
    const breaker = new Breaker(async (key: string) => (key === "good" ? key : fails()), {
      cache: true,
      errorThresholdPercentage: 60,
    });
    for (let i = 0; i < 10; i++) await breaker.fire("good");
    for (let i = 0; i < 4; i++) await codeOf(breaker.fire(`bad ${i}`));
    expect(breaker.opened).toBe(ours);
  });

  test("two breakers made with one options object do not answer for each other", async () => {
    const options = { cache: true, coalesce: true };
    const users = new Breaker(async (id: number) => `user ${id}`, options);
    const orders = new Breaker(async (id: number) => `order ${id}`, options);
    await users.fire(1);
    expect(await orders.fire(1)).toBe(ours ? "order 1" : "user 1");
    expect(Object.keys(options).length).toBe(ours ? 2 : Object.keys(orders.options).length);
  });

  test("a breaker that was shut down stays so, whatever its calls come to", async () => {
    const works = [deferred(), deferred(), deferred()];
    let calls = 0;
    const breaker = new Breaker(() => (works[calls++] as (typeof works)[0]).promise, {
      errorThresholdPercentage: 10,
      volumeThreshold: 3,
    });
    const [first, second] = [codeOf(breaker.fire()), codeOf(breaker.fire())];
    works[0]?.reject(down);
    await first;
    void codeOf(breaker.fire());
    breaker.shutdown();
    works[1]?.reject(down);
    await second;
    expect(breaker.isShutdown).toBe(ours);
    breaker.close();
    expect(breaker.isShutdown).toBe(ours);
  });

  test("shutdown ends the health check", async () => {
    const breaker = new Breaker(async () => 1);
    const check = vi.fn(async () => {});
    breaker.healthCheck(check, 100);
    breaker.shutdown();
    await advance(1_000);
    expect(check).toHaveBeenCalledTimes(ours ? 1 : 11);
  });

  test("with autoRenewAbortController a timeout aborts no neighbour", async () => {
    const breaker = new Breaker((_signal: AbortSignal | undefined) => deferred().promise, {
      autoRenewAbortController: true,
      errorThresholdPercentage: 100,
      timeout: 100,
    });
    const first = breaker.getSignal();
    void codeOf(breaker.fire(first));
    await advance(50);
    const second = breaker.getSignal();
    void codeOf(breaker.fire(second));
    await advance(50);
    expect([first?.aborted, second?.aborted]).toEqual([true, !ours]);
    expect(breaker.getSignal()?.aborted).toBe(!ours);
    await advance(50);
    expect(second?.aborted).toBe(true);
  });

  test("latencies are those of calls that ran, once each", async () => {
    const breaker = new Breaker(() => deferred().promise, { timeout: 100, capacity: 1 });
    void codeOf(breaker.fire());
    await codeOf(breaker.fire());
    await advance(100);
    expect(breaker.stats.latencyTimes).toEqual(ours ? [100] : [0, 100, 100]);
  });

  test("of a busy slice the latest thousand latencies are kept", async () => {
    const breaker = new Breaker(async () => 1);
    for (let i = 0; i < 1_500; i++) await breaker.fire();
    expect(breaker.stats.latencyTimes.length).toBe(ours ? 1_000 : 1_500);
    expect(breaker.stats.successes).toBe(1_500);
  });

  test("a probe that fails during warm-up opens the circuit again", async () => {
    const breaker = new Breaker(fails, { allowWarmUp: true, resetTimeout: 100 });
    breaker.open();
    await advance(100);
    await codeOf(breaker.fire());
    await advance(200);
    expect(breaker.pendingClose).toBe(ours); // opossum: half-open, and refusing, for good.
  });

  test("a refusal is not coalesced", async () => {
    const work = [deferred<number>(), deferred<number>()];
    let calls = 0;
    const breaker = new Breaker((_: string) => (work[calls++] as (typeof work)[0]).promise, {
      capacity: 1,
      coalesce: true,
      errorThresholdPercentage: 100,
    });
    const first = breaker.fire("a");
    expect(await codeOf(breaker.fire("b"))).toBe("ESEMLOCKED");
    work[0]?.resolve(0);
    work[1]?.resolve(1);
    await first;
    expect(await codeOf(breaker.fire("b"))).toBe(ours ? 1 : "ESEMLOCKED");
  });

  test("a call that ends takes away its own coalesced entry, and no later one", async () => {
    const works = [deferred(), deferred(), deferred()];
    let calls = 0;
    const breaker = new Breaker((_: string) => (works[calls++] as (typeof works)[0]).promise, {
      coalesce: true,
      coalesceTTL: 100,
      coalesceResetOn: ["success"],
      timeout: false,
    });
    const first = breaker.fire("a");
    await advance(100);
    void breaker.fire("a");
    works[0]?.resolve(1);
    await first;
    void breaker.fire("a");
    expect(calls).toBe(ours ? 2 : 3);
  });
});

describe.each(both)("%s", (_, Breaker) => {
  const ours = is(Breaker);

  test("a listener that throws does not turn a success into a failure", async () => {
    const breaker = new Breaker(async () => "done");
    breaker.on("success", () => {
      throw new Error("a listener's own");
    });
    const uncaught = process.listeners("uncaughtException");
    const seen: unknown[] = [];
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error: Error) => seen.push(error.message));
    const result = await codeOf(breaker.fire());
    await settled();
    process.removeAllListeners("uncaughtException");
    for (const listener of uncaught) process.on("uncaughtException", listener);
    expect(result).toBe(ours ? "done" : "a listener's own");
    expect(breaker.closed).toBe(ours);
    expect(seen).toEqual(ours ? ["a listener's own"] : []);
  });

  test("the breaker works on when its listeners are removed", async () => {
    const breaker = new Breaker(fails, { resetTimeout: 100 });
    breaker.removeAllListeners();
    await codeOf(breaker.fire());
    expect(breaker.stats.failures).toBe(ours ? 1 : 0);
    expect(breaker.opened).toBe(ours);
  });

  test("a timeout beyond what a timer can hold is long, not a millisecond", async () => {
    const work = deferred();
    const breaker = new Breaker(() => work.promise, { timeout: 2 ** 31, resetTimeout: 2 ** 31 });
    const call = codeOf(breaker.fire());
    await advance(10);
    work.resolve("done");
    expect(await call).toBe(ours ? "done" : "ETIMEDOUT");
    breaker.open();
    await advance(10);
    expect(breaker.opened).toBe(ours);
  });

  test("removed timers: a breaker that nobody calls and nobody hears holds none", () => {
    const before = vi.getTimerCount();
    const breakers = Array.from({ length: 100 }, () => new Breaker(async () => 1));
    expect(vi.getTimerCount() - before).toBe(ours ? 0 : 200);
    for (const breaker of breakers) breaker.open();
    expect(vi.getTimerCount() - before).toBe(ours ? 0 : 300);
  });

  test("a step of the wall clock is no latency, and ends no cache entry", async () => {
    const work = deferred();
    const action = vi.fn(() => work.promise);
    const breaker = new Breaker(action, { cache: true, cacheTTL: 1_000 });
    const call = breaker.fire();
    vi.setSystemTime(Date.now() - 3_600_000);
    work.resolve(1);
    await call;
    expect(breaker.stats.latencyTimes).toEqual([ours ? 0 : -3_600_000]);
    vi.setSystemTime(Date.now() + 3_600_000);
    await breaker.fire();
    expect(action).toHaveBeenCalledTimes(ours ? 1 : 2);
  });

  test("maxFailures does nothing, and says nothing", () => {
    const print = vi.spyOn(console, "error").mockImplementation(() => {});
    new Breaker(async () => 1, { maxFailures: 3 });
    expect(print).toHaveBeenCalledTimes(ours ? 0 : 1);
    print.mockRestore();
  });

  test("isOurError may be asked about anything that can be thrown", () => {
    const ask = () => Breaker.isOurError(undefined);
    if (ours) expect(ask()).toBe(false);
    else expect(ask).toThrow(TypeError);
  });

  test("fire never throws: not disabled, not for a key that cannot be made", async () => {
    const throws = (): never => {
      throw down;
    };
    const disabled = new Breaker(throws, { enabled: false });
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const cached = new Breaker(async (_: unknown) => 1, { cache: true });
    if (ours) {
      await expect(disabled.fire()).rejects.toBe(down);
      await expect(cached.fire(circular)).rejects.toThrow(TypeError);
    } else {
      expect(() => disabled.fire()).toThrow(down);
      expect(() => cached.fire(circular)).toThrow(TypeError);
    }
  });

  test("numbers that mean nothing are refused", () => {
    const make = () => new Breaker(async () => 1, { resetTimeout: Number.NaN });
    if (ours) expect(make).toThrow("resetTimeout must be a number from 0, got NaN");
    else expect(make).not.toThrow();
  });
});

test("an errorFilter that throws lets nothing pass, and the caller has its answer", async () => {
  // Not shown on opossum: its caller waits for ever, and the process hears of it.
  const breaker = new CircuitBreaker(fails, {
    errorFilter: () => {
      throw new Error("a filter's own");
    },
  });
  const uncaught = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", () => {});
  expect(await codeOf(breaker.fire())).toBe("down");
  await settled();
  process.removeAllListeners("uncaughtException");
  for (const listener of uncaught) process.on("uncaughtException", listener);
  expect(breaker.opened).toBe(true);
});

test("a health check that throws has failed, one without a promise has not", async () => {
  // Not shown on opossum: its healthCheck throws at once, and then each time in a timer.
  const breaker = new CircuitBreaker(async () => 1);
  breaker.healthCheck(() => "fine", 100);
  await settled();
  expect(breaker.closed).toBe(true);
  breaker.healthCheck(() => {
    throw down;
  }, 100);
  await settled();
  expect(breaker.opened).toBe(true);
  breaker.shutdown();
});
