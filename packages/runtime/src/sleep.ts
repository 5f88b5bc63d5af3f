// Waiting, on a clock that may be virtual. The one thing to get right is the abort: the promise
// must settle in the turn in which the signal fires, and neither the timer nor the listener may
// stay behind, or ten thousand aborted waits keep ten thousand timers alive.

import { type Clock, systemClock } from "./clock.ts";

/** Options of {@link sleep}. */
export interface SleepOptions {
  /** Whose milliseconds; default {@link systemClock}. */
  clock?: Clock;
  /** Ends the wait early: the promise then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Resolves `ms` milliseconds from now, never earlier.
 *
 * @throws RangeError when `ms` is negative or not finite
 */
export function sleep(
  ms: number,
  { clock = systemClock, signal }: SleepOptions = {},
): Promise<void> {
  if (!(Number.isFinite(ms) && ms >= 0)) {
    throw new RangeError(`ms must be a finite number >= 0, got ${String(ms)}`);
  }
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer[Symbol.dispose]();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(clock.now() + ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
