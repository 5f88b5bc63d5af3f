// One reading of the clock per turn of the event loop, as libuv's uv_now() and nginx's cached time
// do it. All calls that start or settle in one turn share a reading, so that timing a call costs a
// field, not two system calls. The price is exactness: a duration is wrong by as long as the turns
// last in which it began and ended. That is a choice for whoever knows their turns to be short, so
// it is an option here and no default.
import type { Clock } from "@compendium/runtime";

/** Milliseconds as of the first reading in this turn of the event loop. */
export class LoopClock implements Pick<Clock, "now"> {
  #nowMs = 0;
  #fresh = false;
  readonly #expire = (): void => {
    this.#fresh = false;
  };

  now(): number {
    if (!this.#fresh) {
      this.#fresh = true;
      this.#nowMs = performance.now();
      setImmediate(this.#expire);
    }
    return this.#nowMs;
  }
}
