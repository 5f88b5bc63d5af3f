// A clock that stands still until someone moves it. Time inside a test is then an argument: a
// timeout of an hour takes a microsecond, and a run can be repeated exactly.
//
// Advancing is a small discrete-event simulation: take the earliest timer that is due, move time to
// it, run it, look again, because it may have set another that is due as well. The asynchronous
// variants also let promise continuations run between two timers. Awaiting one resolved promise
// would not do: it lets only the first link of a chain of `then`s run. The whole microtask queue is
// known to be empty only in a later macrotask, so that is what they wait for.
//
// Left out: waiting for input and output. A file read that a timer starts is not "between two
// timers"; give the core simulated files instead. Patching global timers is left out as well: a
// core that takes a clock does not need it, and one that does not take a clock should.

import { type Clock, checkTimer } from "./clock.ts";

/** Options of {@link ManualClock}. */
export interface ManualClockOptions {
  /** Where the monotonic axis begins. Default 0. */
  nowMs?: number;
  /**
   * What the wall clock shows at first. Default 2000-01-01 UTC: far from `nowMs`, so that a mix-
   * up shows.
   */
  wallMs?: number;
}

/**
 * A {@link Clock} moved by hand; timers fire inside `advance`, in order of time, then of
 * creation.
 */
export class ManualClock implements Clock {
  #now: number;
  #wallOffsetMs: number;
  #created = 0;

  // Invariant: sorted so that the next timer to fire stands last, where removing it is cheap.
  readonly #timers: ManualTimer[] = [];

  constructor({ nowMs = 0, wallMs = Date.UTC(2000, 0, 1) }: ManualClockOptions = {}) {
    this.#now = finite("nowMs", nowMs);
    this.#wallOffsetMs = finite("wallMs", wallMs) - nowMs;
  }

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now + this.#wallOffsetMs;
  }

  setTimer(atMs: number, fn: () => void): Disposable {
    checkTimer(atMs, fn);
    const timer = new ManualTimer(this.#timers, atMs, this.#created++, fn);
    this.#timers.splice(positionOf(timer, this.#timers), 0, timer);
    return timer;
  }

  /** How many timers are set and have neither fired nor been disposed. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** When the next timer is due, on the axis of `now()`; undefined when none is set. */
  get nextTimerMs(): number | undefined {
    return this.#timers.at(-1)?.atMs;
  }

  /** Moves both clocks forward by `ms` >= 0, and fires what becomes due; see {@link advanceTo}. */
  advance(ms: number): void {
    this.advanceTo(this.#now + elapsed(ms));
  }

  /**
   * Moves both clocks forward to `atMs`, and fires what becomes due, each timer at its own time. A
   * timer that throws does not keep the others from firing: what was thrown is thrown at the end,
   * several as one AggregateError.
   *
   * @throws RangeError when `atMs` lies in the past or is not finite
   * @throws Error when timers keep setting each other without time moving
   */
  advanceTo(atMs: number): void {
    this.#checkTarget(atMs);
    const thrown: unknown[] = [];
    const stuck = new StuckDetector();
    while (this.#fireNext(atMs, thrown, stuck));
    this.#now = Math.max(this.#now, atMs);
    rethrow(thrown);
  }

  /** {@link advance}, letting promise continuations run before, between and after the timers. */
  async advanceAsync(ms: number): Promise<void> {
    await this.advanceToAsync(this.#now + elapsed(ms));
  }

  /** {@link advanceTo}, letting promise continuations run before, between and after the timers. */
  async advanceToAsync(atMs: number): Promise<void> {
    this.#checkTarget(atMs);
    const thrown: unknown[] = [];
    const stuck = new StuckDetector();
    do await settled();
    while (this.#fireNext(atMs, thrown, stuck));
    this.#now = Math.max(this.#now, atMs);
    rethrow(thrown);
  }

  /** Moves only the wall clock, by `ms` of either sign: an NTP step. No timer notices. */
  stepWall(ms: number): void {
    this.#wallOffsetMs += finite("ms", ms);
  }

  #fireNext(atMs: number, thrown: unknown[], stuck: StuckDetector): boolean {
    const timer = this.#timers.at(-1);
    if (timer === undefined || timer.atMs > atMs) return false;
    this.#timers.pop();
    // A timer set in the past, or an advance inside a callback, must not turn time back.
    this.#now = Math.max(this.#now, timer.atMs);
    stuck.check(this.#now);
    try {
      timer.fn();
    } catch (error) {
      thrown.push(error);
    }
    return true;
  }

  #checkTarget(atMs: number): void {
    if (!(finite("atMs", atMs) >= this.#now)) {
      throw new RangeError(`atMs must not lie before now (${this.#now}), got ${atMs}`);
    }
  }
}

class ManualTimer implements Disposable {
  readonly #timers: ManualTimer[];
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;

  constructor(timers: ManualTimer[], atMs: number, order: number, fn: () => void) {
    this.#timers = timers;
    this.atMs = atMs;
    this.order = order;
    this.fn = fn;
  }

  [Symbol.dispose](): void {
    const position = positionOf(this, this.#timers);
    if (this.#timers[position] === this) this.#timers.splice(position, 1);
  }
}

/** The index at which `timer` stands, or would have to: a binary search in O(log n). */
function positionOf(timer: ManualTimer, timers: readonly ManualTimer[]): number {
  let low = 0;
  let high = timers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = timers[middle] as ManualTimer;
    const otherIsLater =
      other.atMs > timer.atMs || (other.atMs === timer.atMs && other.order > timer.order);
    if (otherIsLater) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Two timers that set each other for "now" would hang the test without a word.
const FIRED_AT_ONE_TIME_MAX = 100_000;

class StuckDetector {
  #now = Number.NaN;
  #fired = 0;

  check(now: number): void {
    this.#fired = now === this.#now ? this.#fired + 1 : 1;
    this.#now = now;
    if (this.#fired > FIRED_AT_ONE_TIME_MAX) {
      throw new Error(`${FIRED_AT_ONE_TIME_MAX} timers fired at ${now} ms and time does not move`);
    }
  }
}

// Taken once, at import: a test that patches the global timers must not stop this clock.
const later: (fn: () => void) => void =
  (globalThis as { setImmediate?: (fn: () => void) => void }).setImmediate ?? setTimeout;

function settled(): Promise<void> {
  return new Promise((resolve) => later(resolve));
}

function elapsed(ms: number): number {
  if (!(ms >= 0)) throw new RangeError(`ms must not be negative, got ${ms}`);
  return ms;
}

function finite(name: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw new RangeError(`${name} must be a finite number of milliseconds, got ${String(value)}`);
}

function rethrow(thrown: readonly unknown[]): void {
  if (thrown.length === 1) throw thrown[0];
  if (thrown.length > 1) throw new AggregateError(thrown, `${thrown.length} timers threw`);
}
