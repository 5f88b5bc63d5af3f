// What the model check does not see: promises, signals, listeners, snapshots from outside. Each
// trap is a short program on the package it is given; it throws where the package falls into it.
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import type { CircuitBreaker, Permit } from "@compendium/circuit-breaker";

type Package = { readonly CircuitBreaker: typeof CircuitBreaker };

const succeed = async () => "done";
const fail = async () => {
  throw new Error("down");
};

export const traps: readonly ((subject: Package) => Promise<void>)[] = [
  async function syncThrow({ CircuitBreaker }) {
    const breaker = new CircuitBreaker();
    const work = () => {
      throw new Error("at once");
    };
    await assert.rejects(() => breaker.call(work));
    assert.equal(breaker.stats().counts.failure, 1);
  },

  async function predicateThrows({ CircuitBreaker }) {
    const isFailure = () => {
      throw new Error("predicate");
    };
    const breaker = new CircuitBreaker({ isFailure, slowAfterMs: 1_000 });
    await assert.rejects(breaker.call(succeed), /predicate/);
    assert.equal(breaker.stats().inFlight, 0);
  },

  async function failureReachesTheCaller({ CircuitBreaker }) {
    await assert.rejects(new CircuitBreaker().call(fail), /down/);
    await assert.rejects(new CircuitBreaker({ slowAfterMs: 1_000 }).call(fail), /down/);
  },

  async function abort({ CircuitBreaker }) {
    const breaker = new CircuitBreaker();
    const controller = new AbortController();
    const { signal } = controller;
    await breaker.call(succeed, { signal });
    assert.equal(getEventListeners(signal, "abort").length, 0);
    let asked = false;
    const fallback = () => {
      asked = true;
    };
    const { promise, reject } = Promise.withResolvers<void>();
    const call = breaker.call(() => promise, { signal, fallback });
    controller.abort(new Error("enough"));
    await assert.rejects(call, /enough/);
    assert.equal(breaker.stats().inFlight, 1);
    reject(new Error("down"));
    await turn();
    assert.equal(asked, false);
    assert.equal(breaker.stats().inFlight, 0);
  },

  async function abortByTheWork({ CircuitBreaker }) {
    const controller = new AbortController();
    const never = new Promise<void>(() => {});
    const work = () => {
      controller.abort(new Error("enough"));
      return never;
    };
    const call = new CircuitBreaker().call(work, { signal: controller.signal });
    await assert.rejects(Promise.race([call, turn()]), /enough/);
  },

  async function resetByTheWork({ CircuitBreaker }) {
    const breaker = new CircuitBreaker();
    await breaker.call(async () => {
      breaker.reset();
      await breaker.call(succeed);
    });
    assert.equal(breaker.stats().counts.late, 1);
  },

  async function forceByAListener({ CircuitBreaker }) {
    let now = 0;
    const breaker = new CircuitBreaker({ consecutiveFailures: 1, clock: { now: () => now } });
    (breaker.acquire() as Permit).fail();
    now += 100_000;
    const once = breaker.on("transition", () => {
      once[Symbol.dispose]();
      breaker.forceOpen();
    });
    assert.equal(breaker.acquire().admitted, false);
  },

  async function foreignSnapshot({ CircuitBreaker }) {
    const breaker = new CircuitBreaker({ window: { kind: "time", durationMs: 1_000 } });
    await breaker.call(succeed);
    const saved = breaker.snapshot();
    assert.throws(() => breaker.restore({ ...saved, state: "open", openForMs: 1e15 }));
    breaker.restore(saved, { elapsedMs: 5_000 });
    assert.equal(breaker.stats().windowCalls, 0);
  },

  async function failureOfAForgottenCall({ CircuitBreaker }) {
    let now = 0;
    const breaker = new CircuitBreaker({
      window: { kind: "time", durationMs: 100 },
      minimumCalls: 2,
      slowAfterMs: 10,
      clock: { now: () => now },
    });
    const hanging = breaker.acquire() as Permit;
    now = 11;
    (breaker.acquire() as Permit).succeed();
    now = 1_000;
    hanging.fail();
    assert.equal(breaker.state, "closed");
  },

  async function exactThreshold({ CircuitBreaker }) {
    const options = { failureRateThreshold: 0.55, minimumCalls: 100 };
    const breaker = new CircuitBreaker(options);
    for (let i = 0; i < 45; i++) (breaker.acquire() as Permit).succeed();
    for (let i = 0; i < 55; i++) (breaker.acquire() as Permit).fail();
    assert.equal(breaker.state, "open");
  },
];
