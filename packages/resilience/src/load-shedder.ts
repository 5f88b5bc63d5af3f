// What a server does when more comes than it can serve: it turns some away at the door, early and
// cheaply, those first who matter least. The alternative is not to serve all, but to serve all
// late.
//
// Overload is seen by its queue: how late does work start? Not by how long it takes, which depends
// on others. So it looks at what waits between this policy and the work, in whatever queue that is,
// and how quickly it starts (see delay-pressure.ts).
//
// The answer is one number, the pressure, from 0 to 4: a class for each whole step.
//
//     pressure     0 ───────── 1 ───────────── 2 ───────── 3 ──────────────── 4
//     turned away  sheddable ▶ sheddable-plus ▶ critical ▶ critical-plus ▶ all
//                  0 … 100 %   0 … 100 %        0 … 100 %  0 … 100 %
//
// Within a class that is shed in part, the call's key decides who: an outcome that takes ten calls
// needs all of them, and chance would leave nobody all ten (the user priority of WeChat's DAGOR,
// Zhou et al., SoCC 2018). Every hour others are lucky.
//
// A second signal needs no time to build up: how many of `inFlightMax` are in flight. From 80 % on
// it adds its own pressure, and at 100 % it is 4 (Netflix's prioritized load shedding has such
// steps for CPU). Left out: CPU itself; hand it in as `pressure`.
import { type Random, systemRandom } from "@compendium/runtime";
import type { Call, Criticality } from "./call.ts";
import { CLASS, DelayPressure } from "./delay-pressure.ts";
import { ResilienceError } from "./errors.ts";
import type { Next, Policy } from "./policy.ts";

/** Options of {@link loadShedder}. */
export interface LoadShedderOptions {
  /** How late work may start while a queue stands, in ms. Above 0; default 20. */
  targetMs?: number;
  /** How often the pressure moves, in ms. Above 0; default 100. */
  intervalMs?: number;
  /** How many calls may be in flight. A whole number from 1; default: not looked at. */
  inFlightMax?: number;
  /** A signal of your own, such as CPU: a pressure from 0 to 4. The highest counts. */
  pressure?: () => number;
  /** Draws who is turned away among calls without a key. Default: the process's own. */
  random?: Pick<Random, "below">;
}

/** What a shedder shows. */
export interface LoadShedderStats {
  /** Calls let in. */
  admitted: number;
  /** Calls turned away, by class. */
  shed: Record<Criticality, number>;
  /** Calls that were past their deadline when they came, or when their work would have started. */
  late: number;
  /** What was decided by last: 0 turns nobody away, 4 everybody. */
  pressure: number;
  /**
   * How late the work of the next call starts, as of the last interval, in ms; Infinity: nothing
   * starts.
   */
  delayMs: number;
  /** Calls let in whose work is not over. */
  inFlight: number;
  /** Those of them whose work has not started. */
  waiting: number;
}

const ALL = 4 * CLASS;
const BUSY_FROM = 0.8;
const LUCK_MS = 3_600_000;

// How much pressure there is when the first of a class is turned away.
const SHED_FROM: Record<Criticality, number> = {
  sheddable: 0,
  "sheddable-plus": CLASS,
  critical: 2 * CLASS,
  "critical-plus": 3 * CLASS,
};

/**
 * Turns calls away with `SHED`, least critical first, while work starts too late or too much of it
 * is in flight. In one state, nobody is turned away while someone less critical is let in. Work
 * past its deadline is never started (`DEADLINE_EXCEEDED`). O(1), no timer.
 */
export class LoadShedderPolicy implements Policy {
  readonly kind = "shed";
  readonly #inFlightMax: number;
  readonly #signal: (() => number) | undefined;
  readonly #random: Pick<Random, "below">;
  readonly #delay: DelayPressure;
  #inFlight = 0;
  #admitted = 0;
  #late = 0;
  #pressure = 0;
  readonly #shed: Record<Criticality, number> = {
    "critical-plus": 0,
    critical: 0,
    "sheddable-plus": 0,
    sheddable: 0,
  };

  constructor(options: LoadShedderOptions = {}) {
    const { targetMs = 20, intervalMs = 100, inFlightMax = Infinity } = options;
    if (!(targetMs > 0 && targetMs < Infinity)) {
      throw new RangeError(`targetMs must be a number above 0, got ${targetMs}`);
    }
    if (!(intervalMs > 0 && intervalMs < Infinity)) {
      throw new RangeError(`intervalMs must be a number above 0, got ${intervalMs}`);
    }
    if (!(inFlightMax === Infinity || (Number.isInteger(inFlightMax) && inFlightMax >= 1))) {
      throw new RangeError(`inFlightMax must be a whole number from 1, got ${inFlightMax}`);
    }
    this.#inFlightMax = inFlightMax;
    this.#signal = options.pressure;
    this.#random = options.random ?? systemRandom;
    this.#delay = new DelayPressure(targetMs, intervalMs, ALL);
  }

  run<T>(call: Call, next: Next<T>): Promise<T> {
    const now = call.clock.now();
    if (call.deadlineMs <= now) return this.#tooLate();
    if (this.#mustShed(call, now)) {
      this.#shed[call.criticality]++;
      return Promise.reject(new ResilienceError("SHED", "too much to do for a call like this"));
    }
    return this.#admit(call, next, now);
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): LoadShedderStats {
    return {
      admitted: this.#admitted,
      shed: { ...this.#shed },
      late: this.#late,
      pressure: this.#pressure / CLASS,
      delayMs: this.#delay.delayMs,
      inFlight: this.#inFlight,
      waiting: this.#delay.waiting,
    };
  }

  #mustShed(call: Call, now: number): boolean {
    const pressure = Math.max(this.#delay.at(now), this.#ofUtilisation(), this.#ofSignal());
    this.#pressure = pressure;
    const share = pressure - SHED_FROM[call.criticality];
    if (!(share > 0)) return false;
    if (share >= CLASS) return true;
    return this.#luck(call, now) < share;
  }

  #ofUtilisation(): number {
    const busy = this.#inFlight / this.#inFlightMax - BUSY_FROM;
    return busy <= 0 ? 0 : Math.round((busy / (1 - BUSY_FROM)) * ALL);
  }

  // A signal that fails to be a number says nothing.
  #ofSignal(): number {
    const pressure = this.#signal?.() ?? 0;
    return pressure > 0 ? Math.min(4, pressure) * CLASS : 0;
  }

  #luck(call: Call, now: number): number {
    if (call.key === undefined) return this.#random.below(CLASS);
    return hash(call.key, Math.floor(now / LUCK_MS)) % CLASS;
  }

  #admit<T>(call: Call, next: Next<T>, arrivedAtMs: number): Promise<T> {
    this.#admitted++;
    this.#inFlight++;
    this.#delay.arrived(arrivedAtMs);
    let waits = true;
    const admitted = call.fork(call.deadlineMs, (inner) => {
      const now = inner.clock.now();
      if (waits) this.#delay.started(now);
      waits = false;
      return inner.deadlineMs <= now ? this.#tooLate() : call.work(inner);
    });
    const leave = () => {
      if (waits) this.#delay.left(call.clock.now());
      waits = false;
      admitted.release();
      admitted.afterWork(() => {
        this.#inFlight--;
      });
    };
    return next(admitted).then(
      (value) => {
        leave();
        return value;
      },
      (error) => {
        leave();
        throw error;
      },
    );
  }

  #tooLate(): Promise<never> {
    this.#late++;
    const message = "the deadline had passed before the work began";
    return Promise.reject(new ResilienceError("DEADLINE_EXCEEDED", message));
  }
}

/** Turns away what cannot be served in time. Throws a RangeError for options out of range. */
export function loadShedder(options: LoadShedderOptions = {}): LoadShedderPolicy {
  return new LoadShedderPolicy(options);
}

// FNV-1a. Keys come from outside, and may be long: 64 characters are enough to tell them apart.
function hash(key: string, seed: number): number {
  let value = 0x811c9dc5 ^ seed;
  for (let i = 0; i < key.length && i < 64; i++) {
    value = Math.imul(value ^ key.charCodeAt(i), 0x01000193);
  }
  return (value ^ (value >>> 15)) >>> 0;
}
