// How bad is it that work starts late? A pressure that rises while a queue stands, and falls while it
// drains: the controller of the load shedder.
//
// Time is cut into intervals. An interval is bad when even the call that waited least waited longer
// than the target (CoDel's observation: Nichols & Jacobson, "Controlling Queue Delay", ACM Queue
// 10:5, 2012), or when somebody waited, and nothing started for longer than that. Nothing ticks:
// an interval is judged when somebody looks, and those that passed without anything happening were
// all alike.

/** One class of calls, in the unit of pressure. Thousandths: sums of tenths would drift. */
export const CLASS = 1_000;

const RISE = CLASS / 10;
const FALL = CLASS / 50;

/** Turns delays into a pressure between 0 and `max`. Every operation is O(1). */
export class DelayPressure {
  /** Calls that wait for their work to start. */
  waiting = 0;
  /** The smallest delay of the last interval in which work started, in ms. */
  lastMs = 0;

  readonly #targetMs: number;
  readonly #intervalMs: number;
  readonly #max: number;
  #endsAtMs = Number.NEGATIVE_INFINITY;
  // Invariant: 0 <= pressure <= max.
  #pressure = 0;
  // The smallest delay of this interval; Infinity: nothing started yet.
  #leastMs = Infinity;
  // Since when somebody has waited and nothing has started.
  #stillSinceMs = 0;

  constructor(targetMs: number, intervalMs: number, max: number) {
    this.#targetMs = targetMs;
    this.#intervalMs = intervalMs;
    this.#max = max;
  }

  /** A call begins to wait. */
  arrived(now: number): void {
    if (this.waiting++ === 0) this.#stillSinceMs = now;
  }

  /** The work of a call that came at `arrivedAtMs` starts. */
  started(now: number, arrivedAtMs: number): void {
    this.at(now);
    this.waiting--;
    this.#stillSinceMs = now;
    if (now - arrivedAtMs < this.#leastMs) this.#leastMs = now - arrivedAtMs;
  }

  /** A call waits no more: it was refused further in, or has gone. */
  left(now: number): void {
    this.at(now);
    this.waiting--;
  }

  /** The pressure as of `now`. */
  at(now: number): number {
    if (now < this.#endsAtMs) return this.#pressure;
    // After a first look, an interval begins.
    if (this.#endsAtMs === Number.NEGATIVE_INFINITY) this.#endsAtMs = now;
    else this.#judge(now);
    this.#endsAtMs += this.#intervalMs;
    return this.#pressure;
  }

  #judge(now: number): void {
    const silent = Math.floor((now - this.#endsAtMs) / this.#intervalMs);
    if (this.#leastMs < Infinity) {
      this.lastMs = this.#leastMs;
      this.#move(this.#leastMs > this.#targetMs, 1);
    } else this.#move(this.#isStill(this.#endsAtMs), 1);
    this.#endsAtMs += silent * this.#intervalMs;
    this.#move(this.#isStill(this.#endsAtMs), silent);
    this.#leastMs = Infinity;
  }

  #isStill(atMs: number): boolean {
    return this.waiting > 0 && atMs - this.#stillSinceMs > this.#targetMs;
  }

  #move(bad: boolean, intervals: number): void {
    const by = (bad ? RISE : -FALL) * intervals;
    this.#pressure = Math.min(this.#max, Math.max(0, this.#pressure + by));
  }
}
