// The window that a breaker behind the opossum door judges by. It holds what the dependency has
// answered, and nothing else: no call in flight, no refusal, no answer from a cache. It turns with
// the reported counts (opossum-stats.ts), whatever turns those.
//
// opossum looks at the rate only when a call fails, and not while it warms up. The state machine
// looks after every call; so whenever opossum would not look, this window shows it no failure.
import type { Status } from "./opossum-stats.ts";
import { TimeWindow } from "./time-window.ts";
import type { SavedWindow, SlidingWindow } from "./window.ts";

/** What the machine may see of the calls that have settled lately. */
export class OpossumWindow implements SlidingWindow {
  readonly needsTime = false;
  readonly slow = 0;

  readonly #status: Status;
  readonly #warmingUp: () => boolean;
  // One bucket a turn: its time is the number of turns.
  readonly #inner: TimeWindow;
  #lastFailed = false;

  constructor(status: Status, warmingUp: () => boolean) {
    this.#status = status;
    this.#warmingUp = warmingUp;
    this.#inner = new TimeWindow(1, status.buckets);
    // Counts to begin with count: of the reported ones, what was answered.
    const { successes, failures, semaphoreRejections } = status.stats;
    const failed = Math.max(0, failures - semaphoreRejections);
    const buckets = new Array<[number, number, number]>(status.buckets).fill([0, 0, 0]);
    buckets[status.buckets - 1] = [successes + failed, failed, 0];
    this.#inner.load({ kind: "time", bucketMs: 1, buckets }, status.epoch, 0);
  }

  get calls(): number {
    return this.#inner.calls;
  }

  get failures(): number {
    return this.#lastFailed && !this.#warmingUp() ? this.#inner.failures : 0;
  }

  record(_now: number, failed: boolean, slow: boolean): number {
    this.#lastFailed = failed;
    return this.#inner.record(this.#status.epoch, failed, slow);
  }

  expire(_now: number): void {
    this.#inner.expire(this.#status.epoch);
  }

  markFailed(ticket: number): void {
    this.#inner.markFailed(ticket);
  }

  clear(): void {
    this.#inner.clear();
  }

  save(_now: number): SavedWindow {
    return this.#inner.save(this.#status.epoch);
  }

  accepts(saved: unknown): saved is SavedWindow {
    return this.#inner.accepts(saved);
  }

  load(saved: SavedWindow, _now: number, elapsedMs: number): void {
    this.#inner.load(saved, this.#status.epoch, elapsedMs);
  }
}
