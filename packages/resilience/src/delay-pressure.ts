// How bad is it that work starts late? A pressure that rises while a queue stands, and falls while
// there is none: the controller of the load shedder.
//
// How long will a call wait that comes now? By Little's law, as long as those who wait take to
// start: waiting ÷ starts per ms. The delays of those who have started say the same, but as late as
// the queue is long; a controller that hears of a second's queue a second late turns everybody
// away, and then nobody. And of an interval the *smallest* number of waiting counts, as in CoDel
// (Nichols & Jacobson, "Controlling Queue Delay", ACM Queue 10:5, 2012): a burst makes some wait
// and is gone, a standing queue is there all the time.
//
//     delay <= target               the pressure falls by 1/20 of a class
//     delay >  target, and grows    it rises by 1/10 of a class; by up to 5/10 when far above
//     delay >  target, but drains   it stays: more force would only empty the queue sooner than
//                                   needed, and turn away people who find no queue
//
// Nothing ticks: an interval is judged when somebody looks, and those that passed without anything
// happening were all alike.

/** One class of calls, in the unit of pressure. Thousandths: sums of tenths would drift. */
export const CLASS = 1_000;

const RISE = CLASS / 10;
const RISE_MAX = CLASS / 2;
const FALL = CLASS / 20;
// Draining: would be gone within so many intervals.
const PATIENCE = 20;

/** Turns a queue into a pressure between 0 and `max`. Every operation is O(1). */
export class DelayPressure {
  /**
   * The delay that the last interval promised to who comes next, in ms; Infinity: nothing started.
   */
  delayMs = 0;

  readonly #targetMs: number;
  readonly #intervalMs: number;
  readonly #max: number;
  #endsAtMs = Number.NEGATIVE_INFINITY;
  // Invariant: 0 <= pressure <= max.
  #pressure = 0;
  #waiting = 0;
  // Invariant: waitingLeast <= waiting.
  #waitingLeast = 0;
  #started = 0;
  // Since when somebody has waited and nothing has started.
  #stillSinceMs = 0;

  constructor(targetMs: number, intervalMs: number, max: number) {
    this.#targetMs = targetMs;
    this.#intervalMs = intervalMs;
    this.#max = max;
  }

  /** Calls that wait for their work to start. */
  get waiting(): number {
    return this.#waiting;
  }

  /** A call begins to wait. */
  arrived(now: number): void {
    if (this.#waiting++ === 0) this.#stillSinceMs = now;
  }

  /** The work of a call that waited starts. */
  started(now: number): void {
    this.left(now);
    this.#started++;
    this.#stillSinceMs = now;
  }

  /** A call waits no more: it was refused further in, or has gone. */
  left(now: number): void {
    this.at(now);
    if (--this.#waiting < this.#waitingLeast) this.#waitingLeast = this.#waiting;
  }

  /** The pressure as of `now`. */
  at(now: number): number {
    if (now < this.#endsAtMs) return this.#pressure;
    if (this.#endsAtMs === Number.NEGATIVE_INFINITY) this.#endsAtMs = now;
    else {
      const silent = Math.floor((now - this.#endsAtMs) / this.#intervalMs);
      this.#judge(this.#endsAtMs);
      for (let i = 0; i < silent && i * FALL < this.#max; i++) {
        this.#judge(this.#endsAtMs + silent * this.#intervalMs);
      }
      this.#endsAtMs += silent * this.#intervalMs;
    }
    this.#endsAtMs += this.#intervalMs;
    return this.#pressure;
  }

  #judge(endedAtMs: number): void {
    const delayMs = this.#delayAt(endedAtMs);
    const drains = this.delayMs - delayMs > delayMs / PATIENCE;
    if (delayMs <= this.#targetMs) this.#pressure = Math.max(0, this.#pressure - FALL);
    else if (!drains) {
      const rise = Math.min(RISE_MAX, Math.floor(RISE * (delayMs / this.#targetMs)));
      this.#pressure = Math.min(this.#max, this.#pressure + rise);
    }
    this.delayMs = delayMs;
    this.#waitingLeast = this.#waiting;
    this.#started = 0;
  }

  #delayAt(atMs: number): number {
    if (this.#waitingLeast === 0) return 0;
    if (this.#started > 0) return (this.#waitingLeast * this.#intervalMs) / this.#started;
    return atMs - this.#stillSinceMs > this.#targetMs ? Infinity : 0;
  }
}
