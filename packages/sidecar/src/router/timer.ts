// One timer that is set, moved and taken away again, as often as is needed.
import type { Clock } from "@compendium/runtime";

/** One call at a time, at most. */
export class Timer implements Disposable {
  readonly #clock: Clock;
  #running: Disposable | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls back after `ms`, unless it is set again or stopped before; 0 only stops it. */
  set(ms: number, onPassed: () => void): void {
    this.stop();
    if (ms === 0) return;
    this.#running = this.#clock.setTimer(this.#clock.now() + ms, onPassed);
  }

  /** Nothing is called any more. */
  stop(): void {
    this.#running?.[Symbol.dispose]();
    this.#running = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

/**
 * A bound on silence. Moving a timer with every byte would cost more than the byte: one stays set,
 * and when it comes too early because something was heard since, it is set for the rest.
 */
export class IdleTimer implements Disposable {
  readonly #clock: Clock;
  readonly #boundMs: number;
  readonly #onIdle: () => void;
  #running: Disposable;
  #heardAtMs: number;

  constructor(clock: Clock, boundMs: number, onIdle: () => void) {
    this.#clock = clock;
    this.#boundMs = boundMs;
    this.#onIdle = onIdle;
    this.#heardAtMs = clock.now();
    this.#running = clock.setTimer(this.#heardAtMs + boundMs, this.#check);
  }

  /** Something was heard. */
  touch(): void {
    this.#heardAtMs = this.#clock.now();
  }

  [Symbol.dispose](): void {
    this.#running[Symbol.dispose]();
  }

  readonly #check = (): void => {
    const idleAtMs = this.#heardAtMs + this.#boundMs;
    if (idleAtMs <= this.#clock.now()) this.#onIdle();
    else this.#running = this.#clock.setTimer(idleAtMs, this.#check);
  };
}
