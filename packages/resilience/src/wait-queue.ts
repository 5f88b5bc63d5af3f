// Who waits for a place, who is next, and who has waited too long to be worth serving.
//
// First come, first served is fair, and wrong under overload: everybody waits about as long as the
// queue is long, and most have given up by the time it is their turn. Two remedies, both from
// B. Maurer, "Fail at Scale" (ACM Queue 13:8, 2015):
//  - adaptive LIFO: while the queue is short, oldest first; once it is more than half full, newest
//    first. The newest caller is the one most likely to be still there.
//  - CoDel: a queue that has not been empty for intervalMs is standing, not absorbing a burst: then
//    whoever has waited for more than targetMs is turned away when it is his turn (the idea of
//    Nichols & Jacobson, "Controlling Queue Delay", 2012, in the simpler form of the article).
//
// Nobody who waits is forgotten: besides his turn, a waiter ends with his call's abort, in that
// very turn, and with waitMsMax, even if no place is ever given back.
import type { Call, Criticality } from "./call.ts";
import { wheelOf } from "./deadline-wheel.ts";
import { ResilienceError } from "./errors.ts";

/** Options of a queue for places. */
export interface QueueOptions {
  /** How many may wait. A whole number from 0. */
  lengthMax: number;
  /** Who is next. Default `"fifo"`. */
  order?: "fifo" | "adaptive-lifo";
  /** Turns away whoever has waited longer than this, in ms. Above 0; default: nobody. */
  waitMsMax?: number;
  /** Turns away by queueing delay; see the header. Defaults: 5 ms and 100 ms. */
  codel?: { targetMs?: number; intervalMs?: number };
}

/** Someone in a queue. */
export interface Waiter {
  /** On the clock of its call. */
  arrivedAtMs: number;
  /** After this nobody waits for it. */
  deadlineMs: number;
  criticality: Criticality;
  /** It is his turn. */
  admit(): void;
  /** He is turned away. */
  refuse(error: ResilienceError): void;
  /** @internal */ older?: Waiter | undefined;
  /** @internal */ younger?: Waiter | undefined;
  /** @internal */ queued?: boolean;
}

/**
 * A bounded queue with a discipline. Every operation is O(1), amortised over who is turned away.
 */
export class WaitQueue {
  readonly #lengthMax: number;
  readonly #adaptiveLifo: boolean;
  readonly #waitMsMax: number;
  readonly #codel: { targetMs: number; intervalMs: number } | undefined;
  #oldest: Waiter | undefined;
  #youngest: Waiter | undefined;
  #length = 0;
  #shed = 0;
  // When somebody joined a queue that was empty.
  #emptyAtMs = Number.NEGATIVE_INFINITY;

  constructor({ lengthMax, order = "fifo", waitMsMax = Infinity, codel }: QueueOptions) {
    if (!(Number.isInteger(lengthMax) && lengthMax >= 0)) {
      throw new RangeError(`queue.lengthMax must be a whole number from 0, got ${lengthMax}`);
    }
    if (order !== "fifo" && order !== "adaptive-lifo") {
      throw new TypeError(`queue.order must be "fifo" or "adaptive-lifo", got ${order}`);
    }
    checkAboveZero("queue.waitMsMax", waitMsMax);
    this.#lengthMax = lengthMax;
    this.#adaptiveLifo = order === "adaptive-lifo";
    this.#waitMsMax = waitMsMax;
    if (codel !== undefined) {
      const { targetMs = 5, intervalMs = 100 } = codel;
      checkAboveZero("queue.codel.targetMs", targetMs);
      checkAboveZero("queue.codel.intervalMs", intervalMs);
      this.#codel = { targetMs, intervalMs };
    }
  }

  /** How many wait. */
  get length(): number {
    return this.#length;
  }

  /** Whether nobody may join. */
  get full(): boolean {
    return this.#length >= this.#lengthMax;
  }

  /** How many were turned away after they had waited. */
  get shed(): number {
    return this.#shed;
  }

  /** Joins the queue, which must not be full. */
  add(waiter: Waiter): void {
    if (this.#length++ === 0) this.#emptyAtMs = waiter.arrivedAtMs;
    waiter.queued = true;
    waiter.older = this.#youngest;
    waiter.younger = undefined;
    if (this.#youngest === undefined) this.#oldest = waiter;
    else this.#youngest.younger = waiter;
    this.#youngest = waiter;
  }

  /** Leaves the queue unserved. False if it was not in it any more. */
  remove(waiter: Waiter): boolean {
    if (!waiter.queued) return false;
    const { older, younger } = waiter;
    if (older === undefined) this.#oldest = younger;
    else older.younger = younger;
    if (younger === undefined) this.#youngest = older;
    else younger.older = older;
    waiter.queued = false;
    this.#length--;
    return true;
  }

  /** Takes out who is next; turns away, on the way, who has waited for too long. */
  take(now: number): Waiter | undefined {
    const standing = this.#codel && now - this.#emptyAtMs > this.#codel.intervalMs;
    const codelMs = this.#codel && (standing ? this.#codel.targetMs : this.#codel.intervalMs);
    const waitMsMax = Math.min(this.#waitMsMax, codelMs ?? Infinity);
    const newestFirst = this.#adaptiveLifo && this.#length > this.#lengthMax / 2;
    for (;;) {
      const waiter = newestFirst ? this.#youngest : this.#oldest;
      if (waiter === undefined) return undefined;
      this.remove(waiter);
      const waitedMs = now - waiter.arrivedAtMs;
      if (waiter.deadlineMs > now && waitedMs <= waitMsMax) return waiter;
      this.#turnAway(waiter, now);
    }
  }

  /**
   * Joins the queue, which must not be full, until `admit` is called because it is the caller's
   * turn: the promise then settles as what it returns. Rejects in the turn in which the call is
   * aborted, and with `SHED` if the caller is turned away.
   */
  wait<T>(call: Call, admit: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const { clock } = call;
      const arrivedAtMs = clock.now();
      const waiter: Waiter = {
        arrivedAtMs,
        deadlineMs: call.deadlineMs,
        criticality: call.criticality,
        admit: () => {
          leave();
          resolve(admit());
        },
        refuse: (error) => {
          if (error.code === "DEADLINE_EXCEEDED") return rejectSoon(error);
          leave();
          reject(error);
        },
      };
      this.add(waiter);
      let timer =
        this.#waitMsMax === Infinity
          ? undefined
          : wheelOf(clock).add(arrivedAtMs + this.#waitMsMax, () => {
              if (this.remove(waiter)) this.#turnAway(waiter, clock.now());
            });
      const listener = call.onAbort((reason) => {
        timer?.cancel();
        this.remove(waiter);
        reject(reason);
      });
      const leave = () => {
        listener.dispose();
        timer?.cancel();
      };
      // Whose deadline it was, a timeout's or the caller's, knows only who set it. His abort is due
      // within a tick of the wheel, and brings the right reason; ours stands in for him.
      const rejectSoon = (error: ResilienceError) => {
        timer?.cancel();
        timer = wheelOf(clock).add(clock.now() + 8, () => {
          leave();
          reject(error);
        });
      };
    });
  }

  #turnAway(waiter: Waiter, now: number): void {
    this.#shed++;
    const waitedMs = Math.round(now - waiter.arrivedAtMs);
    waiter.refuse(
      waiter.deadlineMs <= now
        ? new ResilienceError("DEADLINE_EXCEEDED", "the deadline passed in the queue")
        : new ResilienceError("SHED", `waited ${waitedMs} ms, too long to be served`),
    );
  }
}

function checkAboveZero(name: string, value: number): void {
  if (!(value > 0)) throw new RangeError(`${name} must be a number above 0, got ${value}`);
}
