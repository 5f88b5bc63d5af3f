// A service's capacity: so many workers, each busy with one request at a time, and a bounded queue
// before them, first come, first served. Four workers of 20 ms serve 200 requests a second, and no
// more, however many ask.
//
// The rules are those of a bulkhead of the resilience package: it is such a queue, frees a place
// when the work ends and not when its caller has given up, and turns away whoever's deadline passes
// while he waits.
//
// A worker is a timer, and on a busy machine a timer fires late. Its next work therefore counts
// from when the last should have ended: the capacity is that of the scenario, not of the machine.
import { type BulkheadPolicy, bulkhead, type Pipeline, pipelineOn } from "@compendium/resilience";
import type { Clock, Random } from "@compendium/runtime";

/** What a service can do. */
export interface Capacity {
  workers: number;
  serviceMs: number;
  /** Share of `serviceMs` by which a service time differs at most, 0 to 1. */
  serviceSpread: number;
  queueMax: number;
}

const DRAWS = 1 << 20;

/** Workers behind one queue. */
export class Workers {
  /** By what every service time is multiplied that begins from now on. */
  slowdown = 1;
  readonly #capacity: Capacity;
  readonly #random: Pick<Random, "below">;
  readonly #clock: Clock;
  readonly #bulkhead: BulkheadPolicy;
  readonly #pipeline: Pipeline;
  #started = 0;
  #shed = 0;
  // When the worker that is free in this very turn should have been.
  #freeAtMs = 0;

  constructor(capacity: Capacity, random: Pick<Random, "below">, clock: Clock) {
    this.#capacity = capacity;
    this.#random = random;
    this.#clock = clock;
    const { workers, queueMax } = capacity;
    this.#bulkhead = bulkhead({ concurrencyMax: workers, queue: { lengthMax: queueMax } });
    this.#pipeline = pipelineOn(clock, this.#bulkhead);
  }

  /**
   * Calls `finish` once a worker has spent a service time on it, and resolves with what it returns.
   * Rejects with a ResilienceError: `BULKHEAD_FULL` for a full queue, `DEADLINE_EXCEEDED` when
   * `deadlineInMs` have passed; what has not been started by then never is.
   */
  async serve<T>(finish: () => T, deadlineInMs = Infinity): Promise<T> {
    let waited = false;
    let started = false;
    const work = () => {
      started = true;
      this.#started++;
      return this.#spend(waited ? this.#freeAtMs : this.#clock.now()).then(finish);
    };
    const served = this.#pipeline.call(work, { deadlineInMs });
    waited = true;
    try {
      return await served;
    } catch (error) {
      if (!started && (error as { code?: unknown }).code === "DEADLINE_EXCEEDED") this.#shed++;
      throw error;
    }
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): { running: number; waiting: number; started: number; shed: number; refused: number } {
    const { running, waiting, refused } = this.#bulkhead.stats();
    return { running, waiting, started: this.#started, shed: this.#shed, refused };
  }

  #spend(fromMs: number): Promise<void> {
    const { serviceMs, serviceSpread } = this.#capacity;
    const share = 1 + serviceSpread * ((2 * this.#random.below(DRAWS)) / DRAWS - 1);
    const endMs = fromMs + serviceMs * share * this.slowdown;
    return new Promise((resolve) => {
      this.#clock.setTimer(endMs, () => {
        // Whoever is next starts before any other timer fires.
        this.#freeAtMs = endMs;
        resolve();
      });
    });
  }
}
