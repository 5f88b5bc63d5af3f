// A bulkhead that finds its own size. Nobody knows how many calls a dependency can take at once,
// and whoever has found out knows last week's number. Here every call that settles tells a limit
// how long it took and whether it was dropped, and the limit says how many may be in flight from
// now on (limits/gradient2.ts, limits/vegas.ts, limits/aimd.ts; the idea is Netflix's
// concurrency-limits).
//
// Classes of calls may have shares of the limit. A share that is not used may be borrowed; a place
// that becomes free goes to the waiting class that has least of its share. So:
//
//     A call whose class is below its share is admitted at once while no class is above its own;
//     otherwise it waits in the queue of its class, before every call of a class that is above.
//
// Never are there more calls in flight, at an admission, than the limit. (Netflix's partitions
// admit a class below its share over the limit; its issues 233 and 234 ask for the opposite.)
//
// What counts: answers are measured, drops (timeouts, passed deadlines, what `isDropped` says)
// count as losses. All else moves nothing: who called has given up, a policy further in refused,
// the server failed. A failure may come fast, and would make a broken server look quick.
import type { Call } from "./call.ts";
import { ResilienceError } from "./errors.ts";
import { checkLimit, type Limit } from "./limits/limit.ts";
import type { Next, Policy } from "./policy.ts";
import type { AttemptResult } from "./retry.ts";
import { type QueueOptions, WaitQueue } from "./wait-queue.ts";

/** Options of {@link adaptiveLimit}. */
export interface AdaptiveLimitOptions {
  /**
   * The limit that is asked and told: `gradient2()`, `vegas()`, `aimd()`. Belongs to this policy.
   */
  limit: Limit;
  /**
   * Who may wait, for how long, and who is next; a queue of this length for each class. Default:
   * nobody waits.
   */
  queue?: QueueOptions;
  /** Guarantees shares of the limit to classes of calls. Default: all calls are one class. */
  partitions?: PartitionOptions;
  /**
   * Outcomes by which the server says that it has too much to do, besides timeouts. Default: none.
   */
  isDropped?: (result: AttemptResult) => boolean;
}

/** Shares of a limit. */
export interface PartitionOptions {
  /**
   * Each class's share, above 0 up to 1; together at most 1. What is left is the share of the
   * others.
   */
  shares: Readonly<Record<string, number>>;
  /** The class of a call; one without a share joins `"other"`. Default: its criticality. */
  classify?: (call: Call) => string;
}

/** What an adaptive limit shows of a class. */
export interface PartitionStats {
  /** Its share of the limit, from 0 to 1. */
  share: number;
  /** Its calls in flight. */
  inFlight: number;
  /** Its calls that wait. */
  waiting: number;
  /** Its calls that were given a place. */
  admitted: number;
  /** Its calls that found places and queue full. */
  refused: number;
  /** Its calls that waited, and were then turned away. */
  shed: number;
}

/** What an adaptive limit shows. */
export interface AdaptiveLimitStats {
  /** How many calls may be in flight now. */
  limit: number;
  /** Calls in flight. */
  inFlight: number;
  /** Calls that wait. */
  waiting: number;
  /** Calls that were given a place. */
  admitted: number;
  /** Calls that found places and queue full. */
  refused: number;
  /** Calls that waited, and were then turned away. */
  shed: number;
  /** Calls that counted as losses. */
  dropped: number;
  /** Calls that moved nothing: given up by the caller, refused further in, failed. */
  ignored: number;
  /** The same by class; one class `"other"` without partitions. */
  classes: Record<string, PartitionStats>;
}

/** Lets as many calls run as the limit says; refuses with `LIMIT_EXCEEDED`. */
export class AdaptiveLimitPolicy implements Policy {
  readonly kind = "adaptive-limit";
  readonly #limit: Limit;
  readonly #isDropped: ((result: AttemptResult) => boolean) | undefined;
  readonly #classify: ((call: Call) => string) | undefined;
  readonly #classes = new Map<string, Partition>();
  readonly #partitions: readonly Partition[];
  readonly #other: Partition;
  // Invariant: inFlight is the sum over the classes; nobody waits while inFlight < limit.
  #inFlight = 0;
  #dropped = 0;
  #ignored = 0;

  constructor(options: AdaptiveLimitOptions) {
    const { limit, queue = { lengthMax: 0 }, partitions, isDropped } = options;
    checkLimit(limit);
    this.#limit = limit;
    this.#isDropped = isDropped;
    let left = 1;
    for (const [name, share] of Object.entries(partitions?.shares ?? {})) {
      left = checkShare(name, share, left);
      this.#classes.set(name, new Partition(share, new WaitQueue(queue)));
    }
    this.#other = this.#classes.get("other") ?? new Partition(left, new WaitQueue(queue));
    this.#classes.set("other", this.#other);
    this.#partitions = [...this.#classes.values()];
    if (partitions !== undefined) this.#classify = partitions.classify ?? byCriticality;
  }

  run<T>(call: Call, next: Next<T>): Promise<T> {
    let partition = this.#other;
    if (this.#classify !== undefined) {
      try {
        partition = this.#classes.get(this.#classify(call)) ?? partition;
      } catch (error) {
        return Promise.reject(error);
      }
    }
    if (this.#inFlight < this.#limit.limit) return this.#start(call, next, partition);
    if (partition.queue.full) {
      partition.refused++;
      return Promise.reject(
        new ResilienceError("LIMIT_EXCEEDED", "as many calls are in flight as the limit allows"),
      );
    }
    return partition.queue.wait(call, () => this.#start(call, next, partition));
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): AdaptiveLimitStats {
    const stats: AdaptiveLimitStats = {
      limit: this.#limit.limit,
      inFlight: this.#inFlight,
      waiting: 0,
      admitted: 0,
      refused: 0,
      shed: 0,
      dropped: this.#dropped,
      ignored: this.#ignored,
      classes: {},
    };
    for (const [name, partition] of this.#classes) {
      const part = partition.stats();
      stats.classes[name] = part;
      stats.waiting += part.waiting;
      stats.admitted += part.admitted;
      stats.refused += part.refused;
      stats.shed += part.shed;
    }
    return stats;
  }

  #start<T>(call: Call, next: Next<T>, partition: Partition): Promise<T> {
    const startMs = call.clock.now();
    const inFlight = ++this.#inFlight;
    partition.inFlight++;
    partition.admitted++;
    let result: Promise<T>;
    try {
      result = next(call);
    } catch (error) {
      // Only a policy that breaks its contract throws; its place must not be lost over it.
      result = Promise.reject(error);
    }
    const admitted: Admitted = { call, partition, inFlight, startMs };
    return result.then(
      (value) => {
        this.#settle(admitted, { status: "fulfilled", value });
        return value;
      },
      (reason) => {
        this.#settle(admitted, { status: "rejected", reason });
        throw reason;
      },
    );
  }

  // The answer is measured when it is there; the place is free when the work is over, which may be
  // later, and is whatever a predicate throws.
  #settle(admitted: Admitted, result: AttemptResult): void {
    const { call } = admitted;
    if (call.tally === undefined) this.#leave(admitted);
    try {
      this.#measure(admitted, result);
    } finally {
      if (call.tally !== undefined) call.afterWork(() => this.#leave(admitted));
      this.#admitWaiting(call);
    }
  }

  #leave({ call, partition }: Admitted): void {
    this.#inFlight--;
    partition.inFlight--;
    if (call.tally !== undefined) this.#admitWaiting(call);
  }

  #measure({ call, inFlight, startMs }: Admitted, result: AttemptResult): void {
    const outcome = this.#outcome(call, result);
    if (outcome === "ignored") {
      this.#ignored++;
      return;
    }
    const dropped = outcome === "dropped";
    if (dropped) this.#dropped++;
    const nowMs = call.clock.now();
    this.#limit.onSample({ rttMs: nowMs - startMs, inFlight, dropped, nowMs });
  }

  #outcome(call: Call, result: AttemptResult): "answered" | "dropped" | "ignored" {
    if (this.#isDropped?.(result)) return "dropped";
    if (call.aborted) return tookTooLong(call.reason) ? "dropped" : "ignored";
    if (result.status === "fulfilled") return "answered";
    return tookTooLong(result.reason) ? "dropped" : "ignored";
  }

  #admitWaiting(call: Call): void {
    while (this.#inFlight < this.#limit.limit) {
      const next = this.#next();
      if (next === undefined) return;
      next.queue.take(call.clock.now())?.admit();
    }
  }

  // The class with somebody waiting that has least of its share. O(classes).
  #next(): Partition | undefined {
    let next: Partition | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const partition of this.#partitions) {
      if (partition.queue.length === 0) continue;
      // Without a share it can only borrow, and comes last.
      const used = partition.share > 0 ? partition.inFlight / partition.share : Number.MAX_VALUE;
      if (used < least) {
        next = partition;
        least = used;
      }
    }
    return next;
  }
}

/**
 * Bounds calls in flight by what the dependency can bear. Throws a RangeError or TypeError for
 * options out of range.
 */
export function adaptiveLimit(options: AdaptiveLimitOptions): AdaptiveLimitPolicy {
  return new AdaptiveLimitPolicy(options);
}

interface Admitted {
  call: Call;
  partition: Partition;
  /** Calls in flight at its admission, itself among them. */
  inFlight: number;
  startMs: number;
}

class Partition {
  readonly share: number;
  readonly queue: WaitQueue;
  inFlight = 0;
  admitted = 0;
  refused = 0;

  constructor(share: number, queue: WaitQueue) {
    this.share = share;
    this.queue = queue;
  }

  stats(): PartitionStats {
    const { share, inFlight, admitted, refused, queue } = this;
    return { share, inFlight, waiting: queue.length, admitted, refused, shed: queue.shed };
  }
}

function byCriticality(call: Call): string {
  return call.criticality;
}

function tookTooLong(reason: unknown): boolean {
  const code: unknown = (reason as { code?: unknown } | null | undefined)?.code;
  return code === "TIMEOUT" || code === "DEADLINE_EXCEEDED";
}

// What is left after this share. Nine tenths and a tenth are a little more than one in binary.
function checkShare(name: string, share: number, left: number): number {
  if (share > 0 && share <= left + 1e-9) return Math.max(0, left - share);
  throw new RangeError(
    `partitions.shares.${name} must be above 0, and all shares at most 1 together, got ${share}`,
  );
}
