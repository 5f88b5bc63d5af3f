// Two clocks that must never be confused. The monotonic clock counts milliseconds from an
// arbitrary origin and never goes back: every duration, timeout and deadline is measured on it.
// The wall clock says what a calendar would show, and it steps: NTP corrects it, an operator sets
// it, a virtual machine resumes. It is for people and for certificates, never for "how long".
//
// A core asks for both through an argument, so that a test or a simulation can be the one who
// answers. Reference: POSIX clock_gettime(), CLOCK_MONOTONIC and CLOCK_REALTIME.
//
// Left out: repeating timers (a callback sets the next one, and so decides about drift itself) and
// any promise about the order of two timers on the system clock.

/** A source of time, and of calls at a time. */
export interface Clock {
  /** Milliseconds since an arbitrary origin, with fractions; never goes back. */
  now(): number;

  /** Milliseconds since 1970-01-01 UTC by the wall clock, which may step in either direction. */
  wallMs(): number;

  /**
   * Calls `fn` once, when `now()` has reached `atMs` and never before; never from inside
   * `setTimer`. A time that has passed already is due on a later turn. Disposing prevents the
   * call; disposing twice, or after the call, does nothing.
   *
   * @param atMs a finite point on the axis of `now()`, not a delay
   * @throws RangeError when `atMs` is not a finite number
   */
  setTimer(atMs: number, fn: () => void): Disposable;
}

// setTimeout stores its delay in 32 bits: a longer one silently becomes 1 ms.
const SET_TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** The process's clocks: `performance.now()`, `Date.now()` and `setTimeout`. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer: (atMs, fn) => new SystemTimer(atMs, fn),
};

class SystemTimer implements Disposable {
  readonly #atMs: number;
  readonly #fn: () => void;
  #handle: ReturnType<typeof setTimeout> | undefined;

  constructor(atMs: number, fn: () => void) {
    checkTimer(atMs, fn);
    this.#atMs = atMs;
    this.#fn = fn;
    this.#arm();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
  }

  #arm(): void {
    const delayMs = Math.ceil(this.#atMs - performance.now());
    this.#handle = setTimeout(this.#expire, Math.min(Math.max(delayMs, 0), SET_TIMEOUT_MS_MAX));
  }

  readonly #expire = (): void => {
    // setTimeout counts whole milliseconds of its own loop and may be up to one early by
    // performance.now(). A deadline checked against now() in the callback would not have passed.
    if (performance.now() < this.#atMs) {
      this.#arm();
      return;
    }
    this.#handle = undefined;
    this.#fn();
  };
}

/** Refuses what no clock can honour; every implementation of {@link Clock} calls it first. */
export function checkTimer(atMs: number, fn: () => void): void {
  if (!Number.isFinite(atMs)) {
    throw new RangeError(`atMs must be a finite number of milliseconds, got ${String(atMs)}`);
  }
  if (typeof fn !== "function") throw new TypeError(`fn must be a function, got ${typeof fn}`);
}
