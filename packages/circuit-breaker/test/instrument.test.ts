// A stock opossum breaker in the same families as ours.
import { CircuitBreaker } from "@compendium/circuit-breaker";
import { instrument } from "@compendium/circuit-breaker/instrument";
import { registerCircuitBreakers } from "@compendium/circuit-breaker/metrics";
import { CircuitBreaker as Door } from "@compendium/circuit-breaker/opossum";
import Stock from "opossum";
import { Registry } from "prom-client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { deferred, fail, succeed } from "./helpers.ts";
import { advance, fakeTime } from "./opossum-pair.ts";

beforeEach(fakeTime);
afterEach(() => vi.useRealTimers());

type Work = () => unknown;
const run = (work: Work): unknown => work();
const swallow = (promise: Promise<unknown>): Promise<unknown> => promise.catch(() => {});

async function series(registry: Registry, prefix: string): Promise<string[]> {
  const text = await registry.metrics();
  return text.split("\n").filter((line) => line.startsWith(prefix) && !line.endsWith(" 0"));
}

describe.each([
  ["a stock opossum breaker", Stock],
  ["the opossum door", Door],
])("%s", (_, Breaker) => {
  test("is shown beside ours, in the same families", async () => {
    const registry = new Registry();
    const breaker = new Breaker(run, { name: "billing", timeout: 100, resetTimeout: 1_000 });
    const ours = new CircuitBreaker({ name: "preview" });
    using _ours = registerCircuitBreakers(registry, [ours]);
    using _theirs = instrument(breaker, registry);
    await ours.call(succeed);
    await breaker.fire(succeed);
    await swallow(breaker.fire(fail));
    const hanging = swallow(breaker.fire(() => deferred().promise));
    expect(await series(registry, "circuit_breaker_calls_in_flight")).toEqual([
      'circuit_breaker_calls_in_flight{name="billing"} 1',
    ]);
    await advance(100);
    await hanging;
    await swallow(breaker.fire(succeed));
    expect(await series(registry, "circuit_breaker_calls_total")).toEqual([
      'circuit_breaker_calls_total{name="preview",outcome="success"} 1',
      'circuit_breaker_calls_total{name="billing",outcome="success"} 1',
      'circuit_breaker_calls_total{name="billing",outcome="failure"} 2',
    ]);
    expect(await series(registry, "circuit_breaker_refused_total")).toEqual([
      'circuit_breaker_refused_total{name="billing",reason="open"} 1',
    ]);
    expect(await series(registry, "circuit_breaker_state")).toEqual([
      'circuit_breaker_state{name="preview",state="closed"} 1',
      'circuit_breaker_state{name="billing",state="open"} 1',
    ]);
  });

  test("every state, and every change of it", async () => {
    const breaker = new Breaker(run, { resetTimeout: 1_000 });
    using counted = instrument(breaker);
    const states = [counted.state];
    breaker.open();
    states.push(counted.state);
    await advance(1_000);
    states.push(counted.state);
    await breaker.fire(succeed);
    states.push(counted.state);
    breaker.disable();
    states.push(counted.state);
    breaker.shutdown();
    states.push(counted.state);
    expect(states).toEqual(["closed", "open", "half-open", "closed", "disabled", "forced-open"]);
    expect(counted.stats().entered).toMatchObject({ open: 1, "half-open": 1, closed: 1 });
  });

  test("a call that found every place taken is a refusal, and no failure", async () => {
    const breaker = new Breaker(run, { capacity: 1, errorThresholdPercentage: 100 });
    using counted = instrument(breaker);
    const work = deferred();
    const running = breaker.fire(() => work.promise);
    for (let i = 0; i < 3; i++) await swallow(breaker.fire(succeed));
    expect(counted.stats()).toMatchObject({
      counts: { refusedInFlightMax: 3, failure: 0, success: 0 },
      inFlight: 1,
    });
    work.resolve(1);
    await running;
    expect(counted.stats()).toMatchObject({ counts: { success: 1 }, inFlight: 0 });
  });

  test("answers from the cache and coalesced calls are neither calls nor in flight", async () => {
    const breaker = new Breaker(async (_: string) => 1, { cache: true, coalesce: true });
    using counted = instrument(breaker);
    await Promise.all([breaker.fire("a"), breaker.fire("a")]);
    await breaker.fire("a");
    expect(counted.stats()).toMatchObject({ counts: { success: 1 }, inFlight: 0 });
  });

  test("calls that go by while it is disabled are not counted", async () => {
    const breaker = new Breaker(run, { enabled: false });
    using counted = instrument(breaker);
    await breaker.fire(succeed);
    expect(counted.stats()).toMatchObject({ counts: { success: 0 }, inFlight: 0 });
  });

  test("disposing takes its series and its listeners away", async () => {
    const registry = new Registry();
    const breaker = new Breaker(run, { name: "billing" });
    const before = breaker.listenerCount("success");
    instrument(breaker, registry)[Symbol.dispose]();
    expect(breaker.listenerCount("success")).toBe(before);
    expect(await registry.metrics()).not.toContain("billing");
  });

  test("a name that is taken is refused, and leaves no listener behind", () => {
    const registry = new Registry();
    const breaker = new Breaker(run, { name: "billing" });
    using _first = instrument(breaker, registry);
    const listeners = breaker.listenerCount("success");
    expect(() => instrument(breaker, registry)).toThrow(TypeError);
    expect(breaker.listenerCount("success")).toBe(listeners);
  });

  test("calls that began before it was instrumented end without a trace", async () => {
    const breaker = new Breaker(run);
    const work = deferred();
    const running = breaker.fire(() => work.promise);
    using counted = instrument(breaker);
    work.resolve(1);
    await running;
    expect(counted.stats().inFlight).toBe(0);
  });
});
