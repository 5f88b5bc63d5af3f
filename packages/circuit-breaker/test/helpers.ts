// What the tests share: a breaker on a clock that is moved by hand, and work that ends as told.
import { CircuitBreaker, type CircuitBreakerOptions } from "@compendium/circuit-breaker";
import { ManualClock } from "@compendium/runtime";

/** A breaker without jitter on a clock that stands still. */
export function makeBreaker(options: CircuitBreakerOptions = {}): {
  breaker: CircuitBreaker;
  clock: ManualClock;
} {
  const clock = new ManualClock();
  return { breaker: new CircuitBreaker({ clock, openJitter: 0, ...options }), clock };
}

export const succeed = async (): Promise<string> => "done";

export const down = new Error("down");

export const fail = async (): Promise<never> => {
  throw down;
};

/** Makes calls one after the other, and swallows how they end: `+` succeeds, `-` fails. */
export async function callAll(breaker: CircuitBreaker, endings: string): Promise<void> {
  for (const ending of endings) {
    await breaker.call<unknown>(ending === "+" ? succeed : fail).catch(() => {});
  }
}

/** Makes one call, and tells how it ended: a value, a refusal's code, or the error. */
export async function tryCall(breaker: CircuitBreaker): Promise<unknown> {
  return breaker.call(succeed).catch((error) => error.code ?? error);
}

/** A promise that is settled from outside. */
export function deferred<T = unknown>(): PromiseWithResolvers<T> {
  return Promise.withResolvers<T>();
}

/** Waits until every promise reaction that can run has run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
