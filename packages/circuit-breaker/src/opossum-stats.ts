// What opossum reports of a breaker: counts of the last while, in buckets of time, and the
// percentiles of its latencies. It is a report and no more. The breaker judges by a window of its
// own (opossum-window.ts), because a count of everything that was fired is no denominator for a
// failure rate: it holds calls that were refused, answered from a cache, or not answered yet.
//
//   now ─▶ [0] [1] [2] … [n-1] ─▶ forgotten          rotated when looked at; no interval ticks
//
// The percentiles are computed when asked for. Left out: keeping every latency of the window. The
// latest 1,000 of each bucket are kept, so that a busy breaker's memory has a bound.
import type { EventEmitter } from "node:events";
import { systemClock } from "@compendium/runtime";
import { DoorEmitter } from "./opossum-emitter.ts";

/** A number of milliseconds. */
export type Milliseconds = number;

/** The counts of one slice of time. */
export interface Bucket {
  /** Calls that failed, timed out, or found every place taken. */
  failures: number;
  /** Answers by the fallback. */
  fallbacks: number;
  /** Calls that succeeded, and failures that `errorFilter` let pass. */
  successes: number;
  /** Calls refused because the circuit was open. */
  rejects: number;
  /** Calls asked for. */
  fires: number;
  /** Calls that timed out; each is among the failures too. */
  timeouts: number;
  /** Answers from the cache. */
  cacheHits: number;
  /** Questions to the cache that it could not answer. */
  cacheMisses: number;
  /** Callers that joined a call on its way. */
  coalesceCacheHits: number;
  /** Callers that found none to join. */
  coalesceCacheMisses: number;
  /** Calls that found every place taken; each is among the failures too. */
  semaphoreRejections: number;
  /** Filled in by {@link Status.stats}; -1 where percentiles are off. */
  percentiles: Record<string, number>;
  /** How long calls took, in ms; at most 1,000 of a bucket, the latest. */
  latencyTimes: number[];
  /** Whether the circuit opened (or closed) in this slice; absent where it did neither. */
  isCircuitBreakerOpen?: boolean;
}

/** The counts of the whole window. */
export interface Stats extends Bucket {
  /** Mean of the latencies in ms; -1 where percentiles are off. */
  latencyMean: number;
}

/** Options of {@link Status}. */
export interface StatusOptions {
  /** How far back the window reaches. Default 10,000. */
  rollingCountTimeout?: Milliseconds | undefined;
  /** Into how many slices it is cut. Default 10. */
  rollingCountBuckets?: number | undefined;
  /** Whether latencies are kept. Default true. */
  rollingPercentilesEnabled?: boolean | undefined;
  /** Whether `snapshot` is emitted once a slice, while somebody listens. Default true. */
  enableSnapshots?: boolean | undefined;
  /** Turns the window, instead of time, with every event `rotate`. */
  rotateBucketController?: EventEmitter | undefined;
  /** Counts to begin with. */
  stats?: Partial<Stats> | undefined;
}

/** What counts can be incremented. */
export type Counter = (typeof COUNTERS)[number];

const COUNTERS = [
  "failures",
  "fallbacks",
  "successes",
  "rejects",
  "fires",
  "timeouts",
  "cacheHits",
  "cacheMisses",
  "coalesceCacheHits",
  "coalesceCacheMisses",
  "semaphoreRejections",
] as const;

const PERCENTILES = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 1];
const LATENCIES_MAX = 1_000;

/** The rolling counts of one breaker. */
export class Status extends DoorEmitter<{ snapshot: [stats: Stats] }> {
  /** Whether latencies are kept. */
  readonly rollingPercentilesEnabled: boolean;
  /** Whether `snapshot` is emitted. */
  readonly enableSnapshots: boolean;
  /** What turns the window, if not time. */
  readonly rotateBucketController: EventEmitter | undefined;
  /** Turns the window by one slice. */
  readonly rotateBucket: () => void = () => this.#rotate(1);

  /** How many slices the window has. */
  readonly buckets: number;
  readonly #bucketMs: number;
  readonly #startedAtMs: number = systemClock.now();
  // Newest first, as opossum shows them.
  readonly #window: Bucket[] = [];
  #epoch = 0;
  #snapshotTimer: NodeJS.Timeout | undefined = undefined;

  constructor(options: StatusOptions = {}) {
    super();
    this.buckets = wholeFrom1("rollingCountBuckets", options.rollingCountBuckets || 10);
    const durationMs = wholeFrom1("rollingCountTimeout", options.rollingCountTimeout || 10_000);
    this.#bucketMs = Math.max(1, Math.floor(durationMs / this.buckets));
    this.rollingPercentilesEnabled = options.rollingPercentilesEnabled !== false;
    this.enableSnapshots = options.enableSnapshots !== false;
    this.rotateBucketController = options.rotateBucketController;
    for (let i = 0; i < this.buckets; i++) this.#window.push(emptyBucket());
    if (options.stats) this.#window[0] = bucketOf(options.stats);
    this.startListeneningForRotateEvent();
  }

  /** How often the window has turned since it was made. */
  get epoch(): number {
    if (this.rotateBucketController === undefined) {
      const epoch = Math.floor((systemClock.now() - this.#startedAtMs) / this.#bucketMs);
      if (epoch > this.#epoch) this.#rotate(epoch - this.#epoch);
    }
    return this.#epoch;
  }

  /** The counts of the window, summed up, with percentiles: O(latencies × log latencies). */
  get stats(): Stats {
    const totals: Stats = { ...emptyBucket(), latencyMean: -1 };
    for (const bucket of this.window) {
      for (const counter of COUNTERS) totals[counter] += bucket[counter];
      if (this.rollingPercentilesEnabled) totals.latencyTimes.push(...bucket.latencyTimes);
    }
    const { latencyTimes, percentiles } = totals;
    latencyTimes.sort((a, b) => a - b);
    if (this.rollingPercentilesEnabled) {
      const sum = latencyTimes.reduce((a, b) => a + b, 0);
      totals.latencyMean = latencyTimes.length === 0 ? 0 : sum / latencyTimes.length;
    }
    for (const share of PERCENTILES) {
      percentiles[share] = this.rollingPercentilesEnabled ? percentile(share, latencyTimes) : -1;
    }
    return totals;
  }

  /** The slices, newest first. */
  get window(): Bucket[] {
    void this.epoch;
    return this.#window.slice();
  }

  /** Counts one event, and how long the call took if it ran. */
  increment(property: Counter, latencyMs?: Milliseconds): void {
    const bucket = this.#newest();
    bucket[property]++;
    if (latencyMs === undefined || !this.rollingPercentilesEnabled) return;
    const { latencyTimes } = bucket;
    // A ring, once it is full: every call after the thousandth takes the place of the oldest.
    if (latencyTimes.length < LATENCIES_MAX) latencyTimes.push(latencyMs);
    else latencyTimes[(bucket.successes + bucket.failures) % LATENCIES_MAX] = latencyMs;
  }

  /** Marks the newest slice: the circuit opened. */
  open(): void {
    this.#newest().isCircuitBreakerOpen = true;
  }

  /** Marks the newest slice: the circuit closed. */
  close(): void {
    this.#newest().isCircuitBreakerOpen = false;
  }

  /** Lets go of listeners, timers, and the rotate controller. */
  shutdown(): void {
    this.removeAllListeners();
    clearTimeout(this.#snapshotTimer);
    this.#snapshotTimer = undefined;
    this.removeRotateBucketControllerListener();
  }

  /** Stops turning the window with the controller's events. */
  removeRotateBucketControllerListener(): void {
    this.rotateBucketController?.removeListener("rotate", this.rotateBucket);
  }

  /**
   * Turns the window with the controller's events, if there is a controller. The name is opossum's.
   */
  startListeneningForRotateEvent(): void {
    const controller = this.rotateBucketController;
    if (controller?.listenerCount("rotate", this.rotateBucket) === 0) {
      controller.on("rotate", this.rotateBucket);
    }
  }

  protected onListener(type: PropertyKey): void {
    if (type !== "snapshot" || !this.enableSnapshots || this.#snapshotTimer !== undefined) return;
    this.#armSnapshot();
  }

  #newest(): Bucket {
    void this.epoch;
    return this.#window[0] as Bucket;
  }

  #rotate(by: number): void {
    this.#epoch += by;
    for (let i = 0; i < Math.min(by, this.buckets); i++) {
      this.#window.pop();
      this.#window.unshift(emptyBucket());
    }
  }

  // At the end of each slice, while somebody listens.
  #armSnapshot(): void {
    const elapsedMs = systemClock.now() - this.#startedAtMs;
    const dueMs = (Math.floor(elapsedMs / this.#bucketMs) + 1) * this.#bucketMs;
    this.#snapshotTimer = setTimeout(() => {
      this.#snapshotTimer = undefined;
      if (this.listenerCount("snapshot") === 0) return;
      // setTimeout may be a little early by this clock; the slice has then not ended yet.
      if (systemClock.now() - this.#startedAtMs >= dueMs) this.tell("snapshot", this.stats);
      this.#armSnapshot();
    }, dueMs - elapsedMs);
    this.#snapshotTimer.unref();
  }
}

function emptyBucket(): Bucket {
  const bucket = { percentiles: {}, latencyTimes: [] } as unknown as Bucket;
  for (const counter of COUNTERS) bucket[counter] = 0;
  return bucket;
}

// Counts from outside are checked before they can spoil a sum.
function bucketOf(stats: Partial<Stats>): Bucket {
  const bucket = emptyBucket();
  for (const counter of COUNTERS) {
    const count: unknown = stats[counter] ?? 0;
    if (typeof count !== "number" || !(count >= 0 && count <= Number.MAX_SAFE_INTEGER)) {
      throw new TypeError(`stats.${counter} must be a number from 0, got ${String(count)}`);
    }
    bucket[counter] = count;
  }
  const latencies: unknown = stats.latencyTimes ?? [];
  if (!Array.isArray(latencies) || !latencies.every((each) => Number.isFinite(each))) {
    throw new TypeError("stats.latencyTimes must be a list of numbers");
  }
  bucket.latencyTimes = latencies.slice(-LATENCIES_MAX);
  return bucket;
}

// The nearest rank: the least latency that at least this share did not exceed.
function percentile(share: number, sorted: readonly number[]): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function wholeFrom1(name: string, value: number): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new RangeError(`${name} must be a whole number from 1, got ${String(value)}`);
}
