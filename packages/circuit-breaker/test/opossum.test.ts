// The opossum door by itself: what opossum's README, its docstrings and its types promise, and what
// a comparison with opossum cannot show.

import { spawnSync } from "node:child_process";
import { EventEmitter } from "node:events";
import CircuitBreaker, * as door from "@compendium/circuit-breaker/opossum";
import Stock from "opossum";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { deferred, fail, succeed } from "./helpers.ts";
import { advance, fakeTime, settled } from "./opossum-pair.ts";

beforeEach(fakeTime);
afterEach(() => vi.useRealTimers());

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error) => error?.code ?? error);

test("is imported as opossum is, and by its name", () => {
  expect(door.CircuitBreaker).toBe(CircuitBreaker);
  expect(new CircuitBreaker(succeed)).toBeInstanceOf(EventEmitter);
});

test("has every method, getter and static of opossum's class, but semaphore", () => {
  const members = (from: object) => Object.getOwnPropertyNames(from);
  const prototypes = (from: object): string[] => {
    const next = Object.getPrototypeOf(from);
    return next === EventEmitter.prototype
      ? members(from)
      : [...members(from), ...prototypes(next)];
  };
  const ours = new CircuitBreaker(succeed);
  const have = [...prototypes(CircuitBreaker.prototype), ...members(ours)];
  // Of its constructor, and private by its name.
  const not = ["constructor", "_renewAbortControllerIfNeeded"];
  const wanted = members(Stock.prototype).filter((name) => !not.includes(name));
  expect(wanted.filter((name) => !have.includes(name))).toEqual([]);
  const statics = members(Stock).filter((name) => typeof Stock[name as "length"] === "function");
  expect(statics.filter((name) => !(name in CircuitBreaker))).toEqual([]);
  const own = members(new Stock(succeed)).filter((name) => !name.startsWith("_"));
  expect(own.filter((name) => !(name in ours))).toEqual(["semaphore"]);
});

test("status has what opossum's has", () => {
  const stock = new Stock(succeed).status;
  const ours = new CircuitBreaker(succeed).status;
  const members = [
    ...Object.getOwnPropertyNames(Object.getPrototypeOf(stock)),
    ...Object.keys(stock),
  ];
  expect(members.filter((name) => !name.startsWith("_") && !(name in ours))).toEqual([]);
});

test("require gives the class itself, as opossum's does", () => {
  const script = `const CircuitBreaker = require("@compendium/circuit-breaker/opossum");
    new CircuitBreaker(async () => "done").fire().then(console.log);`;
  const flags = ["--conditions=@compendium/source", "--input-type=commonjs", "--eval", script];
  const child = spawnSync(process.execPath, flags, { cwd: import.meta.dirname, encoding: "utf8" });
  expect(child).toMatchObject({ stdout: "done\n", stderr: "" });
});

test("without an action there is no breaker; what is no function is the answer", async () => {
  expect(() => new CircuitBreaker(undefined as never)).toThrow("No action provided");
  expect(await new CircuitBreaker("foo").fire()).toBe("foo");
});

test("names: the option, the action's, or one of its own", () => {
  expect(new CircuitBreaker(succeed).name).toBe("succeed");
  expect(new CircuitBreaker(succeed, { name: "billing" })).toMatchObject({ group: "billing" });
  expect(new CircuitBreaker("a").name).not.toBe(new CircuitBreaker("a").name);
});

test("isOurError tells the breaker's errors from the action's", async () => {
  const breaker = new CircuitBreaker(fail);
  const ofAction = await breaker.fire().catch((error) => error);
  const ofBreaker = await breaker.fire().catch((error) => error);
  expect(ofBreaker).toMatchObject({ code: "EOPENBREAKER", message: "Breaker is open" });
  expect([ofAction, ofBreaker].map(CircuitBreaker.isOurError)).toEqual([false, true]);
});

test("call gives the action its `this`, and fire itself", async () => {
  const breaker = new CircuitBreaker(async function (this: unknown) {
    return this;
  });
  const context = {};
  expect(await breaker.call(context)).toBe(context);
  expect(await breaker.fire()).toBe(breaker.action);
});

test("the fallback gets the arguments, then the error; it may be another breaker", async () => {
  const other = new CircuitBreaker(async (...args: unknown[]) => args);
  const breaker = new CircuitBreaker(async (_: number) => fail()).fallback(other);
  expect(await breaker.fire(1)).toEqual([1, expect.objectContaining({ message: "down" })]);
  const answers = new CircuitBreaker(fail).fallback((error: Error) => error.message);
  expect(await answers.fire()).toBe("down");
});

test("a timeout aborts the controller that was given", async () => {
  const abortController = new AbortController();
  const breaker = new CircuitBreaker(() => deferred().promise, { abortController, timeout: 100 });
  expect(breaker.getSignal()).toBe(abortController.signal);
  void codeOf(breaker.fire());
  await advance(100);
  expect(abortController.signal.aborted).toBe(true);
});

test("with autoRenewAbortController the action finds its own signal", async () => {
  const signals: (AbortSignal | undefined)[] = [];
  const breaker: CircuitBreaker = new CircuitBreaker(
    () => {
      signals.push(breaker.getSignal());
      return deferred().promise;
    },
    { autoRenewAbortController: true, errorThresholdPercentage: 100, timeout: 100 },
  );
  void codeOf(breaker.fire());
  await advance(50);
  void codeOf(breaker.fire());
  await advance(50);
  expect(signals.map((signal) => signal?.aborted)).toEqual([true, false]);
  await advance(50);
  expect(signals.map((signal) => signal?.aborted)).toEqual([true, true]);
});

test("newStatus primes a breaker: what it brings, counts", async () => {
  const status = CircuitBreaker.newStatus({ stats: { failures: 4, successes: 5, fires: 9 } });
  const breaker = new CircuitBreaker(fail, {
    status,
    volumeThreshold: 10,
    errorThresholdPercentage: 49,
  });
  expect(breaker.stats).toMatchObject({ failures: 4, fires: 9 });
  await codeOf(breaker.fire());
  expect(breaker.opened).toBe(true);
  const refused = { failures: 5, semaphoreRejections: 5, fires: 5 };
  const full = new CircuitBreaker(fail, { status: refused, volumeThreshold: 2 });
  await codeOf(full.fire());
  expect(full.closed).toBe(true);
  expect(() => CircuitBreaker.newStatus({ stats: { failures: -1 } })).toThrow("stats.failures");
});

test("toJSON goes into JSON and out into a new breaker, state and counts", async () => {
  const first = new CircuitBreaker(fail, { name: "billing", resetTimeout: 1_000 });
  await codeOf(first.fire());
  const saved = JSON.parse(JSON.stringify(first)) as ReturnType<typeof first.toJSON>;
  const second = new CircuitBreaker(fail, { name: "billing", resetTimeout: 1_000, ...saved });
  expect(second.toJSON()).toEqual(first.toJSON());
  await advance(1_000);
  expect(second.pendingClose).toBe(true);
  const third = new CircuitBreaker(fail, { state: second.toJSON().state });
  expect(third.pendingClose).toBe(true);
  const gone = new CircuitBreaker(fail, { state: { shutdown: true } });
  expect(await codeOf(gone.fire())).toBe("ESHUTDOWN");
});

test("a restored rest is no longer than resetTimeout, whatever the wall clocks say", async () => {
  const state = { closed: false, lastTimerAt: Date.now() + 3_600_000 };
  const breaker = new CircuitBreaker(succeed, { resetTimeout: 1_000, state });
  await advance(999);
  expect(breaker.opened).toBe(true);
  await advance(1);
  expect(breaker.halfOpen).toBe(true);
  const wrong = { closed: false, lastTimerAt: "today" as never };
  expect(() => new CircuitBreaker(succeed, { state: wrong })).toThrow(TypeError);
});

test("halfOpen is told when the rest is over, to who listens by then, and once", async () => {
  const breaker = new CircuitBreaker(succeed, { resetTimeout: 1_000 });
  const told: number[] = [];
  breaker.open();
  await advance(500);
  breaker.on("halfOpen", (restMs) => told.push(restMs));
  await advance(499);
  expect(told).toEqual([]);
  await advance(1);
  expect(told).toEqual([1_000]);
  await breaker.fire();
  expect(told).toEqual([1_000]);
  expect(breaker.closed).toBe(true);
});

test("who begins to listen after the rest is not told of its end", async () => {
  const breaker = new CircuitBreaker(succeed, { resetTimeout: 1_000 });
  breaker.open();
  await advance(1_000);
  const told = vi.fn();
  breaker.on("halfOpen", told);
  await advance(1_000);
  await breaker.fire();
  expect(told).not.toHaveBeenCalled();
});

test("a restored rest tells its end, once somebody listens", async () => {
  const state = { closed: false, lastTimerAt: Date.now() - 400 };
  const breaker = new CircuitBreaker(succeed, { resetTimeout: 1_000, state });
  const told = vi.fn();
  breaker.removeAllListeners().on("halfOpen", told);
  await advance(599);
  expect(told).not.toHaveBeenCalled();
  await advance(1);
  expect(told).toHaveBeenCalledTimes(1);
});

test("a circuit that was closed by hand leaves no timer", async () => {
  const breaker = new CircuitBreaker(succeed, { resetTimeout: 1_000 });
  breaker.on("halfOpen", () => {});
  breaker.open();
  expect(vi.getTimerCount()).toBe(1);
  breaker.close();
  expect(vi.getTimerCount()).toBe(0);
});

test.each([0, 50, 100])("at a threshold of %i, a failed probe opens again", async (percentage) => {
  const breaker = new CircuitBreaker(fail, {
    errorThresholdPercentage: percentage,
    resetTimeout: 1_000,
  });
  breaker.open();
  await advance(1_000);
  await codeOf(breaker.fire());
  expect(breaker.opened).toBe(true);
});

test("a place is given back when the work of a call that timed out has ended", async () => {
  const works = [deferred(), deferred()];
  let calls = 0;
  const breaker = new CircuitBreaker(async () => works[calls++]?.promise, {
    capacity: 2,
    timeout: 100,
    errorThresholdPercentage: 100,
  });
  for (let i = 0; i < 2; i++) void codeOf(breaker.fire());
  await advance(100);
  expect(await codeOf(breaker.fire())).toBe("ESEMLOCKED");
  works[0]?.resolve(1);
  works[1]?.reject(new Error("late"));
  await settled();
  expect(await Promise.all([1, 2].map(() => breaker.fire()))).toEqual([undefined, undefined]);
  expect(breaker.stats).toMatchObject({ timeouts: 2, failures: 3, successes: 2 });
});

test("a full cache forgets the oldest entry, and an entry when its time is over", async () => {
  const action = vi.fn(async (key: string) => key);
  const breaker = new CircuitBreaker(action, { cache: true, cacheSize: 2, cacheTTL: 1_000 });
  for (const key of ["a", "b", "c", "c", "b", "a"]) await breaker.fire(key);
  expect(action.mock.calls.flat()).toEqual(["a", "b", "c", "a"]);
  await advance(999);
  await breaker.fire("a");
  expect(action).toHaveBeenCalledTimes(4);
  await advance(1);
  await breaker.fire("a");
  expect(action).toHaveBeenCalledTimes(5);
});

test("one controller rotates the windows of many breakers", async () => {
  const rotateBucketController = new EventEmitter();
  const breaker = new CircuitBreaker(fail, {
    rotateBucketController,
    rollingCountBuckets: 2,
    volumeThreshold: 3,
  });
  for (let i = 0; i < 2; i++) await codeOf(breaker.fire());
  await advance(3_600_000);
  expect(breaker.stats.failures).toBe(2);
  rotateBucketController.emit("rotate");
  rotateBucketController.emit("rotate");
  for (let i = 0; i < 2; i++) await codeOf(breaker.fire());
  expect(breaker).toMatchObject({ closed: true, stats: { failures: 2 } });
  breaker.shutdown();
  expect(rotateBucketController.listenerCount("rotate")).toBe(0);
});

test("a cache of one's own is asked, told when to forget, and flushed", async () => {
  const store = new Map<string, unknown>();
  const cacheTransport = {
    get: (key: string) => store.get(key),
    set: vi.fn((key: string, value: Promise<unknown>) => void store.set(key, value)),
    flush: () => store.clear(),
  };
  const action = vi.fn(async (n: number) => n + 1);
  const breaker = new CircuitBreaker(action, { cache: true, cacheTransport, cacheTTL: 500 });
  expect([await breaker.fire(1), await breaker.fire(1)]).toEqual([2, 2]);
  expect(action).toHaveBeenCalledTimes(1);
  expect(cacheTransport.set).toHaveBeenCalledWith("[1]", expect.any(Promise), Date.now() + 500);
  breaker.clearCache();
  expect(store.size).toBe(0);
  const half = { get: () => 1 } as never;
  expect(() => new CircuitBreaker(action, { cache: true, cacheTransport: half })).toThrow(
    TypeError,
  );
});

test("a health check that fails opens, and says so", async () => {
  const breaker = new CircuitBreaker(succeed);
  const told: unknown[] = [];
  breaker.on("healthCheckFailed", (error) => told.push(error));
  breaker.healthCheck(async function (this: unknown) {
    if (this === breaker) throw "sick";
  }, 100);
  await settled();
  expect([breaker.opened, told]).toEqual([true, ["sick"]]);
  expect(() => breaker.healthCheck("x" as never)).toThrow(TypeError);
  expect(() => breaker.healthCheck(succeed, "x" as never)).toThrow(TypeError);
});

test("shutdown: the event, and then nothing any more", async () => {
  const breaker = new CircuitBreaker(succeed, { cache: true });
  const told = vi.fn();
  breaker.on("shutdown", told);
  breaker.status.on("snapshot", told);
  breaker.shutdown();
  expect(told).toHaveBeenCalledTimes(1);
  expect(breaker).toMatchObject({ isShutdown: true, closed: false, opened: false, enabled: false });
  expect(await codeOf(breaker.fire())).toBe("ESHUTDOWN");
  expect(vi.getTimerCount()).toBe(0);
});

test("the types are where opossum's are", () => {
  const options: CircuitBreaker.Options<[id: number]> = { errorFilter: (_error, id) => id > 1 };
  const breaker = new CircuitBreaker(async (id: number) => `user ${id}`, options);
  const answer: Promise<string> = breaker.fire(1);
  breaker.on("success", (result, latencyMs) => result.padEnd(latencyMs));
  // @ts-expect-error: the action takes a number.
  void breaker.fire("1");
  const stats: CircuitBreaker.Stats = breaker.stats;
  expect(stats.fires).toBe(2);
  return answer;
});
