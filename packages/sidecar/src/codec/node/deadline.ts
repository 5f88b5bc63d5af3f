// A deadline that moves with every byte. Setting a timer each time would cost more than parsing the
// byte: one timer stays set, and when it fires early because the deadline has moved on, it is set
// again for the rest. So a busy connection costs a read of the clock, and an idle one a timer.
import type { Clock } from "@compendium/runtime";

/** One deadline at a time; `onPassed` is called once for each that passes. */
export class Deadline {
  readonly #clock: Clock;
  readonly #onPassed: () => void;
  #atMs = Number.POSITIVE_INFINITY;
  #timer: Disposable | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #isOver = false;

  constructor(clock: Clock, onPassed: () => void) {
    this.#clock = clock;
    this.#onPassed = onPassed;
  }

  /** Moves it to `ms` from now; Infinity takes it away. */
  set(ms: number): void {
    // A write that fails, or a stream that ends, behind its connection would leave a timer behind.
    if (this.#isOver) return;
    this.#atMs = ms === Number.POSITIVE_INFINITY ? ms : this.#clock.now() + ms;
    if (this.#atMs >= this.#timerAtMs) return;
    this.#timer?.[Symbol.dispose]();
    this.#arm();
  }

  /** Takes it away for good, and the timer with it. */
  dispose(): void {
    this.#isOver = true;
    this.#atMs = Number.POSITIVE_INFINITY;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timerAtMs = this.#atMs;
    this.#timer = this.#clock.setTimer(this.#atMs, () => {
      this.#timer = undefined;
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      if (this.#atMs === Number.POSITIVE_INFINITY) return;
      if (this.#clock.now() < this.#atMs) this.#arm();
      else {
        this.#atMs = Number.POSITIVE_INFINITY;
        this.#onPassed();
      }
    });
  }
}
