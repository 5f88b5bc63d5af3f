// Callers that want the same thing at the same time share one flight for it, instead of sending a
// hundred (Go's singleflight, Varnish's request coalescing). It is what stands between a cache that
// has just expired and a stampede on what lies behind.
//
//     A ──┬─ flight 1: A's work ────────────────────────╳ hangs
//     B ──┤ joins           │
//     C ──┘ joins           └─ maxAgeMs ─▶ flight 2: B's work ──▶ answers A, B and C
//
// Sharing also means sharing bad luck: behind one flight that hangs, everybody hangs. Therefore
// nobody joins a flight that is older than maxAgeMs, and for as long as callers wait, every
// maxAgeMs the next of them sets out with his own work. The first success answers all who may have
// it; a failure counts only once nothing else is in the air. Nobody's work is ever started twice,
// so that there is never more work than without sharing.
//
// A flight belongs to nobody: it has no deadline, and is aborted when the last caller has gone. A
// caller who is aborted leaves at once, alone. The answer is shared by reference: do not change it.
import type { Clock } from "@compendium/runtime";
import { Call, type Criticality } from "./call.ts";
import { type WheelTimer, wheelOf } from "./deadline-wheel.ts";
import { ResilienceError } from "./errors.ts";
import { Caller, type Flight, Group } from "./flight-group.ts";
import type { Next, Policy } from "./policy.ts";

/** Options of {@link singleFlight}. */
export interface SingleFlightOptions {
  /**
   * What a call is for; calls with equal keys share. Undefined: this one shares with nobody.
   * Default: the call's `key`.
   */
  key?: (call: Call) => string | undefined;
  /**
   * Nobody joins, or is answered by, a flight that began longer before him than this, in ms. Above
   * 0; default 1,000.
   */
  maxAgeMs?: number;
  /**
   * How many keys may be in the air at once; calls beyond fly alone. A whole number from 1; default
   * 1,000.
   */
  keysMax?: number;
}

/** What a single-flight has counted. */
export interface SingleFlightStats {
  /** Flights begun: the work done. */
  flights: number;
  /** Calls that joined a flight: the work saved, unless they set out after all. */
  joined: number;
  /** Flights begun because those in the air were too old, for callers who had joined. */
  relieved: number;
  /** Flights aborted because every caller had gone. */
  abandoned: number;
  /** Calls that shared with nobody: no key, or too many keys. */
  alone: number;
  /** Keys in the air. */
  keys: number;
  /** Calls that wait. */
  waiting: number;
}

/** Lets concurrent calls with one key share one answer. */
export class SingleFlightPolicy implements Policy {
  readonly kind = "single-flight";
  readonly #keyOf: (call: Call) => string | undefined;
  readonly #maxAgeMs: number;
  readonly #keysMax: number;
  // Invariant: a group is listed exactly while callers wait in it.
  readonly #groups = new Map<string, Group>();
  readonly #counts = { flights: 0, joined: 0, relieved: 0, abandoned: 0, alone: 0, waiting: 0 };

  constructor(options: SingleFlightOptions = {}) {
    const { key = (call) => call.key, maxAgeMs = 1_000, keysMax = 1_000 } = options;
    if (typeof key !== "function") throw new TypeError(`key must be a function, got ${typeof key}`);
    if (!(maxAgeMs > 0 && maxAgeMs < Infinity)) {
      throw new RangeError(`maxAgeMs must be a number above 0, got ${maxAgeMs}`);
    }
    if (!(Number.isInteger(keysMax) && keysMax >= 1)) {
      throw new RangeError(`keysMax must be a whole number from 1, got ${keysMax}`);
    }
    this.#keyOf = key;
    this.#maxAgeMs = maxAgeMs;
    this.#keysMax = keysMax;
  }

  run<T>(call: Call, next: Next<T>): Promise<T> {
    let key: string | undefined;
    try {
      key = this.#keyOf(call);
    } catch (error) {
      return Promise.reject(error);
    }
    let group = key === undefined ? undefined : this.#groups.get(key);
    if (key === undefined || (group === undefined && this.#groups.size >= this.#keysMax)) {
      this.#counts.alone++;
      return next(call);
    }
    if (group === undefined) {
      group = new Group(key);
      this.#groups.set(key, group);
    }
    return this.#join(group, call, next) as Promise<T>;
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): SingleFlightStats {
    return { ...this.#counts, keys: this.#groups.size };
  }

  #join(group: Group, call: Call, next: Next<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const joinedAtMs = call.clock.now();
      const caller = new Caller(call, next, joinedAtMs, resolve, reject);
      group.add(caller);
      this.#counts.waiting++;
      if (call.abortable) {
        caller.listener = call.onAbort((reason) => this.#leave(group, caller, reason));
      }
      const youngest = group.inAir.at(-1);
      if (youngest === undefined || !this.#mayShare(youngest, caller)) this.#depart(group, caller);
      else {
        this.#counts.joined++;
        group.timer ??= this.#relieveLater(group, youngest, call.clock);
      }
    });
  }

  // An answer from long before may be stale; and a flight for something less important may be shed
  // where this caller would not be.
  #mayShare(flight: Flight, { call, joinedAtMs }: Caller): boolean {
    return (
      joinedAtMs - flight.startedAtMs < this.#maxAgeMs &&
      RANK[call.criticality] >= RANK[flight.call.criticality]
    );
  }

  #depart(group: Group, caller: Caller): void {
    caller.flown = true;
    this.#counts.flights++;
    const call = new Call(caller.call, Number.POSITIVE_INFINITY, caller.call.work, true);
    const flight: Flight = { call, startedAtMs: call.clock.now() };
    group.inAir.push(flight);
    caller.next(call).then(
      (value) => {
        if (!group.land(flight)) return;
        for (let caller = group.first; caller !== undefined; caller = caller.younger) {
          if (!this.#mayShare(flight, caller)) continue;
          this.#dismiss(group, caller);
          caller.resolve(value);
        }
        this.#tidy(group);
      },
      (reason) => {
        if (!group.land(flight)) return;
        for (let caller = group.first; caller !== undefined; caller = caller.younger) {
          if (this.#isServed(group, caller)) continue;
          this.#dismiss(group, caller);
          caller.reject(reason);
        }
        this.#tidy(group);
      },
    );
  }

  #isServed(group: Group, caller: Caller): boolean {
    return group.inAir.some((flight) => this.#mayShare(flight, caller));
  }

  #relieveLater(group: Group, { startedAtMs }: Flight, clock: Clock): WheelTimer {
    return wheelOf(clock).add(startedAtMs + this.#maxAgeMs, () => {
      group.timer = undefined;
      const youngest = group.inAir.at(-1) as Flight;
      const waits = group.nextToFly(clock.now());
      if (waits === undefined) return;
      // Somebody may have set out since; his flight gets its time too.
      if (clock.now() - youngest.startedAtMs >= this.#maxAgeMs) {
        this.#counts.relieved++;
        this.#depart(group, waits);
      }
      const last = group.inAir.at(-1);
      if (last !== undefined) group.timer ??= this.#relieveLater(group, last, clock);
    });
  }

  #leave(group: Group, caller: Caller, reason: unknown): void {
    this.#dismiss(group, caller);
    caller.reject(reason);
    if (group.first === undefined) this.#counts.abandoned += group.inAir.length;
    this.#tidy(group, reason);
  }

  #dismiss(group: Group, caller: Caller): void {
    caller.listener?.dispose();
    group.remove(caller);
    this.#counts.waiting--;
  }

  // Once nobody waits any more, what is still in the air is for nobody.
  #tidy(group: Group, reason?: unknown): void {
    if (group.first !== undefined) return;
    this.#groups.delete(group.key);
    group.timer?.cancel();
    if (group.inAir.length === 0) return;
    const why = reason ?? new ResilienceError("HEDGE_LOST", "another flight was faster");
    for (const { call } of group.inAir.splice(0)) call.abort(why);
  }
}

/** Lets concurrent calls with one key share one answer. Throws for options out of range. */
export function singleFlight(options: SingleFlightOptions = {}): SingleFlightPolicy {
  return new SingleFlightPolicy(options);
}

const RANK: Record<Criticality, number> = {
  "critical-plus": 0,
  critical: 1,
  "sheddable-plus": 2,
  sheddable: 3,
};
