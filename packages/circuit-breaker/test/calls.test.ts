// What counts as a call's end, and who learns of it.
import { getEventListeners } from "node:events";
import type { CircuitBreaker, CircuitBreakerOptions } from "@compendium/circuit-breaker";
import { describe, expect, test, vi } from "vitest";
import { deferred, down, fail, makeBreaker, succeed, turn } from "./helpers.ts";

// Timed and untimed calls take different ways: what holds must hold on both.
const ways: [string, CircuitBreakerOptions][] = [
  ["an untimed call", {}],
  ["a timed call", { slowAfterMs: 100 }],
];

describe.each(ways)("%s", (_, options) => {
  const counts = (breaker: CircuitBreaker) => {
    const { success, failure } = breaker.stats().counts;
    return { success, failure, inFlight: breaker.stats().inFlight };
  };

  test("that returns a plain value succeeds", async () => {
    const { breaker } = makeBreaker(options);
    expect(await breaker.call(() => 7)).toBe(7);
    expect(counts(breaker)).toEqual({ success: 1, failure: 0, inFlight: 0 });
  });

  test("that throws at once fails, as a rejection", async () => {
    const { breaker } = makeBreaker(options);
    const promise = breaker.call(() => {
      throw down;
    });
    await expect(promise).rejects.toBe(down);
    expect(counts(breaker)).toEqual({ success: 0, failure: 1, inFlight: 0 });
  });

  test("counts before its caller learns how it ended", async () => {
    const { breaker } = makeBreaker(options);
    await breaker.call(succeed).then(() => expect(counts(breaker).success).toBe(1));
  });

  test("follows a thenable; one that calls back twice counts once", async () => {
    const { breaker } = makeBreaker(options);
    const twice = {
      // biome-ignore lint/suspicious/noThenProperty: a hostile thenable is what is tested
      then: (resolve: (value: number) => void, reject: (reason: unknown) => void) => {
        resolve(1);
        reject(down);
        resolve(2);
      },
    };
    expect(await breaker.call(() => twice as PromiseLike<number>)).toBe(1);
    expect(counts(breaker)).toEqual({ success: 1, failure: 0, inFlight: 0 });
  });

  test("with a thenable that throws, or whose then cannot be read, fails", async () => {
    const { breaker } = makeBreaker(options);
    const throwing = {
      // biome-ignore lint/suspicious/noThenProperty: a hostile thenable is what is tested
      then: () => {
        throw down;
      },
    };
    const unreadable = {
      // biome-ignore lint/suspicious/noThenProperty: a hostile thenable is what is tested
      get then(): never {
        throw down;
      },
    };
    await expect(breaker.call(() => throwing as never)).rejects.toBe(down);
    await expect(breaker.call(() => unreadable as never)).rejects.toBe(down);
    expect(counts(breaker)).toEqual({ success: 0, failure: 2, inFlight: 0 });
  });

  test("with a promise whose own then lies counts as the promise ends", async () => {
    const { breaker } = makeBreaker(options);
    const promise = Promise.resolve(1);
    // biome-ignore lint/suspicious/noThenProperty: a hostile promise is what is tested
    Object.assign(promise, { then: () => "nothing" });
    expect(await breaker.call(() => promise)).toBe(1);
    expect(counts(breaker)).toEqual({ success: 1, failure: 0, inFlight: 0 });
  });

  test("that fails and is dropped is reported as an unhandled rejection", async () => {
    const { breaker } = makeBreaker(options);
    const unhandled = await unhandledDuring(() => void breaker.call(fail));
    expect(unhandled).toEqual([down]);
    expect(await unhandledDuring(() => void breaker.call(fail).catch(() => {}))).toEqual([]);
  });

  test("is judged by isFailure, which may ignore it, and sees values and errors", async () => {
    const isFailure = vi.fn(({ status }) => (status === "fulfilled" ? true : "ignored"));
    const { breaker } = makeBreaker({ ...options, isFailure });
    expect(await breaker.call(() => 500)).toBe(500);
    await expect(breaker.call(fail)).rejects.toBe(down);
    expect(breaker.stats().counts).toMatchObject({ success: 0, failure: 1, ignored: 1 });
    expect(breaker.stats()).toMatchObject({ inFlight: 0, windowCalls: 1 });
    expect(isFailure.mock.calls).toEqual([
      [{ status: "fulfilled", value: 500 }],
      [{ status: "rejected", reason: down }],
    ]);
  });

  test("fails if isFailure throws, and gives its place back", async () => {
    const isFailure = () => {
      throw new Error("predicate");
    };
    const { breaker } = makeBreaker({ ...options, isFailure });
    await expect(breaker.call(succeed)).rejects.toThrow("predicate");
    expect(counts(breaker)).toEqual({ success: 0, failure: 1, inFlight: 0 });
  });
});

async function unhandledDuring(act: () => void): Promise<unknown[]> {
  const listeners = process.listeners("unhandledRejection");
  const seen: unknown[] = [];
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason) => seen.push(reason));
  act();
  await turn();
  process.removeAllListeners("unhandledRejection");
  for (const listener of listeners) process.on("unhandledRejection", listener);
  return seen;
}

describe("a fallback", () => {
  test("answers when the call fails, and when it is refused", async () => {
    const { breaker } = makeBreaker();
    const fallback = vi.fn(() => "bare link");
    expect(await breaker.call(fail as () => Promise<string>, { fallback })).toBe("bare link");
    breaker.forceOpen();
    expect(await breaker.call(succeed, { fallback })).toBe("bare link");
    const codes = fallback.mock.calls.map(
      ([error]: unknown[]) => (error as { code?: string }).code,
    );
    expect(codes).toEqual([undefined, "CIRCUIT_FORCED_OPEN"]);
  });

  test("is not asked when the call succeeds; the failure it covers up counts", async () => {
    const { breaker } = makeBreaker();
    const fallback = vi.fn(async () => "bare link");
    expect(await breaker.call(succeed, { fallback })).toBe("done");
    expect(fallback).not.toHaveBeenCalled();
    await breaker.call(fail as () => Promise<string>, { fallback });
    expect(breaker.stats().counts.failure).toBe(1);
  });

  test("that throws is what the caller gets", async () => {
    const { breaker } = makeBreaker();
    const fallback = () => {
      throw new Error("no link either");
    };
    await expect(breaker.call(fail, { fallback })).rejects.toThrow("no link either");
  });
});

describe("an AbortSignal", () => {
  const reason = new Error("nobody waits");

  test("that is aborted already rejects without running anything", async () => {
    const { breaker } = makeBreaker();
    const work = vi.fn(succeed);
    const promise = breaker.call(work, { signal: AbortSignal.abort(reason), fallback: succeed });
    await expect(promise).rejects.toBe(reason);
    expect(work).not.toHaveBeenCalled();
    expect(breaker.stats().counts).toMatchObject({ cancelled: 0, success: 0 });
  });

  test("reaches the work, and ends the wait in the turn in which it is aborted", async () => {
    const { breaker } = makeBreaker();
    const controller = new AbortController();
    let seen: AbortSignal | undefined;
    const never = new Promise<never>(() => {});
    const work = (signal?: AbortSignal) => {
      seen = signal;
      return never;
    };
    const ended = vi.fn();
    breaker.call(work, { signal: controller.signal }).catch(ended);
    controller.abort(reason);
    await Promise.resolve();
    expect(ended).toHaveBeenCalledWith(reason);
    expect(seen).toBe(controller.signal);
  });

  test("leaves the work its place in flight until it settles, and counts once", async () => {
    const { breaker } = makeBreaker({ isFailure: () => true });
    const controller = new AbortController();
    const { promise, reject } = deferred();
    const call = breaker.call(() => promise, { signal: controller.signal });
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(breaker.stats()).toMatchObject({ inFlight: 1, counts: { cancelled: 1 } });
    reject(down);
    await turn();
    expect(breaker.stats()).toMatchObject({ inFlight: 0, windowCalls: 0 });
    expect(breaker.stats().counts).toMatchObject({ cancelled: 1, failure: 0, late: 0 });
  });

  test("gives a probe back", async () => {
    const { breaker, clock } = makeBreaker({ consecutiveFailures: 1, halfOpenCalls: 1 });
    await breaker.call(fail).catch(() => {});
    clock.advance(30_000);
    const controller = new AbortController();
    const call = breaker.call(() => new Promise(() => {}), { signal: controller.signal });
    expect(breaker.acquire().admitted).toBe(false);
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(breaker.acquire().admitted).toBe(true);
  });

  test("during the fallback ends the wait too; the failure counts as one", async () => {
    const { breaker } = makeBreaker();
    const controller = new AbortController();
    const fallback = vi.fn(() => new Promise<never>(() => {}));
    const call = breaker.call(fail, { signal: controller.signal, fallback });
    await turn();
    expect(fallback).toHaveBeenCalled();
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(breaker.stats().counts).toMatchObject({ failure: 1, cancelled: 0 });
  });

  test("keeps the fallback from being asked", async () => {
    const { breaker } = makeBreaker();
    const controller = new AbortController();
    const fallback = vi.fn(succeed);
    const work = (signal?: AbortSignal) =>
      new Promise<string>((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
      });
    const call = breaker.call(work, { signal: controller.signal, fallback });
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await turn();
    expect(fallback).not.toHaveBeenCalled();
    expect(breaker.stats().counts).toMatchObject({ failure: 0, cancelled: 1 });
  });

  test("that the work itself aborts ends the wait at once", async () => {
    const { breaker } = makeBreaker();
    const controller = new AbortController();
    const work = () => {
      controller.abort(reason);
      return new Promise<never>(() => {});
    };
    await expect(breaker.call(work, { signal: controller.signal })).rejects.toBe(reason);
  });

  test("keeps no listener once the call has ended, however it did", async () => {
    const { breaker } = makeBreaker();
    const { signal } = new AbortController();
    await breaker.call(succeed, { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await breaker.call(fail, { signal }).catch(() => {});
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    breaker.forceOpen();
    await breaker.call(succeed, { signal }).catch(() => {});
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});
