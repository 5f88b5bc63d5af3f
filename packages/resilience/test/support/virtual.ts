// Calls in virtual time: work that takes as long as told, and a log of how everything ended.
import type { Call, CallOptions, Pipeline } from "@compendium/resilience";
import type { ManualClock } from "@compendium/runtime";

/** Work that takes `ms`, then succeeds with `value`, or fails with it if it is an Error. */
export function takes<T>(clock: ManualClock, ms: number, value: T): (call: Call) => Promise<T> {
  return (call) =>
    new Promise((resolve, reject) => {
      const timer = clock.setTimer(clock.now() + ms, () => {
        if (value instanceof Error) reject(value);
        else resolve(value);
      });
      call.onAbort((reason) => {
        timer[Symbol.dispose]();
        reject(reason);
      });
    });
}

/** How a call came out: its value, or the code or message of its error. */
export interface Ending {
  value?: unknown;
  error?: unknown;
  code?: unknown;
  tookMs: number;
}

/** Makes a call and notes how it ends, in `into`. */
export function note(
  clock: ManualClock,
  into: Ending[],
  pipeline: Pipeline<unknown>,
  work: (call: Call) => unknown,
  options?: CallOptions,
): void {
  const startedAtMs = clock.now();
  pipeline.call(work, options).then(
    (value) => into.push({ value, tookMs: clock.now() - startedAtMs }),
    (error) => into.push({ error, code: error?.code, tookMs: clock.now() - startedAtMs }),
  );
}

/** The nearest-rank percentile of some numbers. */
export function percentileOf(numbers: readonly number[], percentile: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percentile / 100) * sorted.length) - 1)] as number;
}

/** An error such as a server sends, with the wait that it asks for. */
export function pushback(retryAfterMs: number): Error {
  return Object.assign(new Error("pushback"), { retryAfterMs });
}
