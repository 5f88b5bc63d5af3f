// A limit from the slope of the response time: as long as more calls in flight do not make the
// answers slower, there was room; once they do, the rest is queue.
//
// Netflix's Gradient2Limit (concurrency-limits) compares a short mean of the response time with a
// long one, and moves the limit by
//
//     gradient = clamp(longRtt / shortRtt, 0.5, 1)      limit ← limit × gradient + queueSize,
//     smoothed
//
// Its weakness is longRtt. Under a load that stays, the long mean learns the queue, gradient
// becomes 1, and the limit grows for ever (its issues 134 and 137; `npm run simulate resilience`
// shows it). And where the short mean is noisy, what is cut off at 1 is below 1 on average: a pull
// downward that queueSize has to outweigh, which feeds the drift. Here nothing is cut off at 1, and
// the long mean is replaced by a *measured* response time without a queue, as BBR measures its own
// (Cardwell et al., "BBR: Congestion-Based Congestion Control", ACM Queue 14:5, 2016):
//
//     press    limit = 1.1 × estimate.  Little's law: what the server can work on at once is
//              limit × baseRtt / rtt, so the estimate moves to it. All busy and nobody waiting:
//              rtt = baseRtt × 1.1, and the estimate stays. No queue: it grows by up to a tenth.
//     drain    every 3 to 12 windows, limit = 0.7 × estimate. Own queue gone, rtt is baseRtt. A
//              baseRtt that is too high, and has made the estimate too high, is found out here.
//     start    limit × 1.4 a window, until answers are far slower: TCP's slow start.
//     verdict  rtt far above baseRtt, twice: fewer workers, or slower ones? Pull the limit down to
//              0.6 of itself and see. Little's law again: with a queue, rtt falls in proportion,
//              and the limit was too high; without one it stays, baseRtt has changed, the cut is
//              undone.
//
// Each window is given one round trip to settle first. Steps in the same direction grow, steps that
// alternate shrink (as in Rprop), so that doubled capacity is found in a few windows, and noise is
// not followed. What it needs: to be pressed (idle limits learn nothing), and to see most of the
// server's load. A client with a small share of it cannot drain the server's queue by holding
// itself back, and takes the others' queue for normal; aimd() needs no such view.
import {
  checkBetween,
  checkBounds,
  type Limit,
  type LimitOptions,
  type LimitSample,
} from "./limit.ts";
import { SampleWindow, type WindowOptions, type WindowResult } from "./sample-window.ts";

/** Options of {@link gradient2}. */
export interface Gradient2Options extends LimitOptions {
  /** How far above its estimate it presses, as a share. Above 0, below 0.5; default 0.1. */
  headroom?: number;
  /**
   * Where it goes to drain its queue, as a share of the estimate. From above 0.3, below 1; default
   * 0.7.
   */
  drainTo?: number;
  /**
   * No response time above this is ever taken for normal, in ms. Above 0; default: none is too
   * high.
   */
  baseRttMsMax?: number;
  /** When a sample window ends. */
  window?: WindowOptions;
}

// ln(rtt / baseRtt) beyond which it is no noise.
const JUMP = 0.3;
const RTT_MS_MIN = 1e-6;
// While it starts, answers no slower than this teach what normal is.
const START_NORMAL = 0.15;
const START_GROWTH = 1.4;
const START_PRECISION = 2;
const VERDICT_TO = 0.6;
const VERDICT_PRECISION = 0.7;
// How much of a new measurement the base takes over. Most of it where the base was far too high,
// but not all: a base too low by an accident of one window would pull the limit down with it.
const BASE_GAIN = 0.3;
const BASE_GAIN_FALLING = 0.7;
const DRAIN_EVERY_MIN = 3;
const DRAIN_EVERY_MAX = 12;

type Phase = "press" | "drain" | "verdict";

/** Presses a little, drains now and then, and follows the slope. O(1) per sample. */
export class Gradient2Limit implements Limit {
  readonly #bounds: Required<LimitOptions>;
  readonly #headroom: number;
  readonly #drainTo: number;
  readonly #baseRttMsMax: number;
  readonly #window: SampleWindow;
  // Invariant: limitMin <= limit, estimate <= limitMax.
  #limit: number;
  #estimate: number;
  #baseRttMs = Number.NaN;
  #phase: Phase = "press";
  // Big steps at first, and again after an outage.
  #starting = true;
  #gain = new Gain();
  #windowsToDrain = DRAIN_EVERY_MIN;
  #drainEvery = DRAIN_EVERY_MIN;
  // The response time of a window that was far too slow: one may be an accident.
  #suspectMs = 0;
  #before = { estimate: 0, limit: 0, rttMs: 0 };

  constructor(options: Gradient2Options = {}) {
    const { headroom = 0.1, drainTo = 0.7, baseRttMsMax = Number.MAX_VALUE } = options;
    this.#bounds = checkBounds(options);
    checkBetween("headroom", headroom, 0, 0.5);
    checkBetween("drainTo", drainTo, 0.3, 1);
    checkBetween("baseRttMsMax", baseRttMsMax, 0, Infinity);
    this.#headroom = headroom;
    this.#drainTo = drainTo;
    this.#baseRttMsMax = baseRttMsMax;
    this.#window = new SampleWindow(options.window);
    this.#limit = this.#estimate = this.#bounds.initialLimit;
  }

  get limit(): number {
    return this.#limit;
  }

  /**
   * The calls that the server can work on at once, as far as is known; the limit moves around it.
   */
  get estimate(): number {
    return this.#estimate;
  }

  /** The response time without a queue of our own, in ms; NaN until a window has ended. */
  get baseRttMs(): number {
    return this.#baseRttMs;
  }

  onSample(sample: LimitSample): number {
    const window = this.#window.add(sample);
    if (window !== undefined) this.#act(window);
    return this.#limit;
  }

  #act(window: WindowResult): void {
    const { inFlight, dropShare } = window;
    // A clock too coarse to see a call must not make the logarithms below infinite.
    const rttMs = Math.max(window.rttMs, RTT_MS_MIN);
    this.#estimate *= 1 - dropShare / 2;
    if (dropShare > 0.5) this.#starting = true;
    if (Number.isNaN(rttMs)) return this.#enter("press", window);
    if (Number.isNaN(this.#baseRttMs)) this.#setBase(rttMs);
    const slower = Math.log(rttMs / this.#baseRttMs);
    const pressed = inFlight >= 0.85 * this.#limit;
    if (pressed) return this.#enter(this.#step(this.#limit, rttMs, slower), window);
    // Nobody presses: whatever the answer took, this limit was not the reason. It is not moved, but
    // where half of it is in use and answers are far too slow, it may be too high all the same.
    if (slower < 0) this.#learn(slower);
    if (this.#phase === "press" && slower > JUMP && inFlight >= this.#limit / 2) {
      return this.#enter(this.#suspect(inFlight, rttMs), window);
    }
    this.#suspectMs = 0;
    if (this.#phase !== "press") this.#enter("press", window);
    else if (dropShare > 0) this.#enter("press", window, this.#limit);
  }

  // What a window under pressure teaches, and what to do in the next one.
  #step(limit: number, rttMs: number, slower: number): Phase {
    if (this.#phase === "verdict") return this.#judge(limit, rttMs);
    if (slower > JUMP) return this.#suspect(limit, rttMs);
    this.#suspectMs = 0;
    if (this.#phase === "drain") {
      // The better the base was known, the longer it will do.
      this.#drainEvery = Math.abs(slower) < 0.05 ? this.#drainEvery + 3 : DRAIN_EVERY_MIN;
      this.#windowsToDrain = this.#drainEvery = Math.min(this.#drainEvery, DRAIN_EVERY_MAX);
      this.#learn(slower);
      return "press";
    }
    if (slower < -JUMP) this.#setBase(rttMs);
    if (this.#starting) {
      if (slower < START_NORMAL) this.#learn(slower);
      this.#estimate = START_GROWTH * limit;
      return "press";
    }
    const room = Math.log(limit / this.#estimate) - Math.max(slower, -JUMP);
    this.#estimate *= Math.exp(clamp(this.#gain.times(room), -JUMP, JUMP));
    return --this.#windowsToDrain > 0 || !this.#canFall(this.#drainTo) ? "press" : "drain";
  }

  // Far too slow: look again, and if it is so, make the experiment.
  #suspect(inFlight: number, rttMs: number): Phase {
    if (this.#suspectMs === 0) {
      this.#suspectMs = rttMs;
      return this.#phase;
    }
    const meanMs = (rttMs + this.#suspectMs) / 2;
    this.#suspectMs = 0;
    this.#starting = false;
    this.#windowsToDrain = this.#drainEvery = DRAIN_EVERY_MIN;
    this.#before = { estimate: this.#estimate, limit: inFlight, rttMs: meanMs };
    if (this.#canFall(VERDICT_TO)) return "verdict";
    // One call in flight cannot be queueing behind itself.
    this.#setBase(rttMs);
    return "press";
  }

  // elasticity 1: the response time fell in proportion, all of it was queue; 0: it did not fall.
  #judge(limit: number, rttMs: number): Phase {
    const before = this.#before;
    const elasticity = Math.log(before.rttMs / rttMs) / Math.log(before.limit / limit);
    this.#gain = new Gain();
    if (elasticity >= 0.5 || rttMs > this.#baseRttMsMax) {
      this.#estimate = clamp((limit * this.#baseRttMs) / rttMs, limit / 2, before.estimate);
    } else {
      this.#setBase(rttMs);
      this.#estimate = before.estimate;
    }
    return "press";
  }

  #learn(slower: number): void {
    const gain = slower < -JUMP ? BASE_GAIN_FALLING : BASE_GAIN;
    this.#setBase(this.#baseRttMs * Math.exp(gain * slower));
  }

  #setBase(rttMs: number): void {
    this.#baseRttMs = Math.min(rttMs, this.#baseRttMsMax);
  }

  #canFall(to: number): boolean {
    return Math.floor(this.#estimate * to) >= this.#bounds.limitMin;
  }

  #enter(phase: Phase, { nowMs, rttMs }: WindowResult, limitMost = Infinity): void {
    const { limitMin, limitMax } = this.#bounds;
    const before = this.#limit;
    this.#phase = phase;
    this.#estimate = clamp(this.#estimate, limitMin, limitMax);
    this.#limit = clamp(this.#limitIn(phase), limitMin, Math.min(limitMax, limitMost));
    // Until a round trip has passed, answers come from calls under the limit before.
    if (this.#limit === before) return;
    const settleMs = Number.isNaN(rttMs) ? 0 : rttMs;
    this.#window.restart(nowMs + settleMs, this.#precision(phase));
  }

  #precision(phase: Phase): number {
    if (phase === "verdict") return VERDICT_PRECISION;
    return this.#starting ? START_PRECISION : 1;
  }

  #limitIn(phase: Phase): number {
    const drained = Math.floor(this.#estimate * this.#drainTo);
    if (phase === "drain") return drained;
    if (phase === "verdict") return Math.floor(this.#before.limit * VERDICT_TO);
    // At least one above the estimate, or a limit of 3 would never try 4.
    const above = Math.round(this.#estimate * (1 + this.#headroom));
    return Math.max(above, Math.floor(this.#estimate) + 1);
  }
}

/**
 * A limit that follows the slope of the response time: the recommended one. Throws a RangeError for
 * options out of range.
 */
export function gradient2(options: Gradient2Options = {}): Gradient2Limit {
  return new Gradient2Limit(options);
}

// How much of a step to take: more while steps keep their direction, half when they turn.
class Gain {
  #gain = 0.5;
  #sign = 0;

  times(step: number): number {
    const sign = Math.sign(step);
    this.#gain = sign === this.#sign ? Math.min(1, this.#gain * 1.2) : 0.5;
    this.#sign = sign;
    return this.#gain * step;
  }
}

function clamp(value: number, from: number, to: number): number {
  return Math.min(to, Math.max(from, value));
}
