// Bounded concurrency, and a bounded queue before it. Named after the walls that keep one flooded
// compartment from sinking the ship: a dependency that hangs takes the places of its own bulkhead,
// and nobody else's.
//
// A place is given back when the work settles, not when its caller gives up, nor when a timeout
// further in does: a limit that forgets work that is still running is no limit (a bulkhead of 2
// that runs 10 is a known defect). Left out: a retry further in runs its attempts in one place.
import type { Call } from "./call.ts";
import { ResilienceError } from "./errors.ts";
import type { Next, Policy } from "./policy.ts";
import { type QueueOptions, WaitQueue } from "./wait-queue.ts";

/** Options of {@link bulkhead}. */
export interface BulkheadOptions {
  /** How many calls may run at once. A whole number from 1. */
  concurrencyMax: number;
  /** Who may wait for a place, how long, and who is next. Default: nobody waits. */
  queue?: QueueOptions;
}

/** What a bulkhead shows. */
export interface BulkheadStats {
  /** Calls that run. */
  running: number;
  /** Calls that wait. */
  waiting: number;
  /** Calls that were given a place. */
  admitted: number;
  /** Calls that found places and queue full. */
  refused: number;
  /** Calls that waited, and were then turned away. */
  shed: number;
}

/** Lets at most `concurrencyMax` calls run at once; refuses with `BULKHEAD_FULL`. */
export class BulkheadPolicy implements Policy {
  readonly kind = "bulkhead";
  readonly #max: number;
  readonly #queue: WaitQueue;
  // Invariant: running <= max, and nobody waits while running < max.
  #running = 0;
  #admitted = 0;
  #refused = 0;

  constructor({ concurrencyMax, queue = { lengthMax: 0 } }: BulkheadOptions) {
    if (!(Number.isInteger(concurrencyMax) && concurrencyMax >= 1)) {
      throw new RangeError(`concurrencyMax must be a whole number from 1, got ${concurrencyMax}`);
    }
    this.#max = concurrencyMax;
    this.#queue = new WaitQueue(queue);
  }

  run<T>(call: Call, next: Next<T>): Promise<T> {
    if (this.#running < this.#max) return this.#start(call, next);
    if (this.#queue.full) {
      this.#refused++;
      return Promise.reject(new ResilienceError("BULKHEAD_FULL", "places and queue are full"));
    }
    return this.#queue.wait(call, () => this.#start(call, next));
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): BulkheadStats {
    return {
      running: this.#running,
      waiting: this.#queue.length,
      admitted: this.#admitted,
      refused: this.#refused,
      shed: this.#queue.shed,
    };
  }

  #start<T>(call: Call, next: Next<T>): Promise<T> {
    this.#running++;
    this.#admitted++;
    return next(call).then(
      (value) => {
        this.#settled(call);
        return value;
      },
      (error) => {
        this.#settled(call);
        throw error;
      },
    );
  }

  #settled(call: Call): void {
    if (call.tally === undefined) this.#leave(call);
    else call.afterWork(() => this.#leave(call));
  }

  #leave(call: Call): void {
    this.#running--;
    if (this.#queue.length > 0) this.#queue.take(call.clock.now())?.admit();
  }
}

/** Bounds how many calls run at once. Throws a RangeError for options out of range. */
export function bulkhead(options: BulkheadOptions): BulkheadPolicy {
  return new BulkheadPolicy(options);
}
