// What each algorithm promises, said again in another way, to be held against the code. Nothing
// here is shared with the package: a model keeps the history as a list and goes through all of it,
// or counts in BigInt, where nothing is rounded. Slow, and short enough to be believed.
//
// A model is asked on an axis that never goes back.
import type { RuleSpec } from "./rules.ts";
import { EstimateModel, LeasesModel, LogModel, PartsModel } from "./window-models.ts";

/** One key's state under one rule. */
export interface Model {
  /** In how many µs `cost` fits: 0 now, Infinity never. */
  waitUs(nowUs: number, cost: number): number;
  /** Takes `cost` when it fits. */
  charge(nowUs: number, cost: number): void;
  /** Gives back, the newest first. */
  refund(nowUs: number, cost: number): void;
  /** The most that fits now. */
  remaining(nowUs: number): number;
  /** When nothing that was taken matters any more; 0 if nothing does. */
  fullUs(nowUs: number): number;
  /** How long until a request of a leaky bucket's queue has its turn; else 0. */
  delayUs(nowUs: number): number;
  /** Goes on under another rule of the same algorithm. */
  convert(spec: RuleSpec, nowUs: number): void;
}

export function makeModel(spec: RuleSpec): Model {
  switch (spec.algorithm) {
    case "token-bucket":
    case "gcra":
    case "leaky-bucket-queue":
      return new LevelModel(spec);
    case "fixed-window":
      return new WindowsModel(spec);
    case "sliding-window-log":
      return new LogModel(spec);
    case "concurrency-limit":
      return new LeasesModel(spec);
    case "sliding-window-counter":
      return new EstimateModel(spec);
    case "conservative-sliding-counter":
      return new PartsModel(spec);
  }
}

// The textbook's bucket: a level that rises by limit / window in every µs, up to the burst. Counted
// in units of 1 / window of a token, so that a µs adds `limit` of them, and nothing is rounded.
class LevelModel implements Model {
  #spec: RuleSpec;
  #atUs = 0;
  #level: bigint;
  #full: bigint;
  #token: bigint;
  #perUs: bigint;

  constructor(spec: RuleSpec) {
    this.#spec = spec;
    this.#token = BigInt(spec.windowMs) * 1000n;
    this.#perUs = BigInt(spec.limit);
    this.#full = BigInt(spec.burst) * this.#token;
    this.#level = this.#full;
  }

  waitUs(nowUs: number, cost: number): number {
    if (cost > this.#spec.burst) return Infinity;
    return this.#usUntil(BigInt(cost) * this.#token, nowUs);
  }

  charge(nowUs: number, cost: number): void {
    this.#rise(nowUs);
    this.#level -= BigInt(cost) * this.#token;
  }

  refund(nowUs: number, cost: number): void {
    if (this.#spec.algorithm === "leaky-bucket-queue") return;
    this.#rise(nowUs);
    this.#level += BigInt(cost) * this.#token;
    if (this.#level > this.#full) this.#level = this.#full;
  }

  remaining(nowUs: number): number {
    this.#rise(nowUs);
    return this.#level <= 0n ? 0 : Number(this.#level / this.#token);
  }

  fullUs(nowUs: number): number {
    const us = this.#usUntil(this.#full, nowUs);
    return us === 0 ? 0 : nowUs + us;
  }

  delayUs(nowUs: number): number {
    return this.#spec.algorithm === "leaky-bucket-queue" ? this.#usUntil(this.#full, nowUs) : 0;
  }

  // Whole tokens are owed on: the time since the last one was measured at another rate.
  convert(spec: RuleSpec, nowUs: number): void {
    this.#rise(nowUs);
    const owed = ceilDivide(this.#full - this.#level, this.#token);
    const next = new LevelModel(spec);
    const burst = BigInt(spec.burst);
    this.#spec = spec;
    this.#token = next.#token;
    this.#perUs = next.#perUs;
    this.#full = next.#full;
    this.#level = next.#full - (owed < burst ? owed : burst) * next.#token;
  }

  #usUntil(level: bigint, nowUs: number): number {
    this.#rise(nowUs);
    return level <= this.#level ? 0 : Number(ceilDivide(level - this.#level, this.#perUs));
  }

  #rise(nowUs: number): void {
    if (this.#level < this.#full) {
      this.#level += BigInt(nowUs - this.#atUs) * this.#perUs;
      if (this.#level > this.#full) this.#level = this.#full;
    }
    this.#atUs = nowUs;
  }
}

// Windows one after the other, each with its count. One that a reservation has jumped over is
// closed: it counts as used up.
class WindowsModel implements Model {
  #spec: RuleSpec;
  #openedUs = 0;
  #counts: number[] = [];

  constructor(spec: RuleSpec) {
    this.#spec = spec;
  }

  waitUs(nowUs: number, cost: number): number {
    const { limit } = this.#spec;
    if (cost > limit) return Infinity;
    this.#pass(nowUs);
    const last = this.#counts.at(-1) ?? 0;
    const window = last + cost <= limit ? this.#counts.length - 1 : this.#counts.length;
    return window <= 0 ? 0 : this.#openedUs + window * this.#windowUs() - nowUs;
  }

  charge(nowUs: number, cost: number): void {
    this.#pass(nowUs);
    if (this.#counts.length === 0) {
      this.#openedUs = nowUs;
      this.#counts = [0];
    }
    const last = this.#counts.length - 1;
    if (this.#counts[last]! + cost <= this.#spec.limit) {
      this.#counts[last]! += cost;
      return;
    }
    this.#counts[last] = this.#spec.limit;
    this.#counts.push(cost);
  }

  refund(nowUs: number, cost: number): void {
    this.#pass(nowUs);
    let left = cost;
    while (left > 0 && this.#counts.length > 0) {
      const last = this.#counts.length - 1;
      const taken = Math.min(left, this.#counts[last]!);
      left -= taken;
      this.#counts[last]! -= taken;
      if (this.#counts[last] === 0) this.#counts.pop();
    }
  }

  remaining(nowUs: number): number {
    this.#pass(nowUs);
    return this.#counts.length > 1 ? 0 : this.#spec.limit - (this.#counts[0] ?? 0);
  }

  fullUs(nowUs: number): number {
    this.#pass(nowUs);
    const windows = this.#counts.length;
    return windows === 0 ? 0 : this.#openedUs + windows * this.#windowUs();
  }

  delayUs(): number {
    return 0;
  }

  convert(spec: RuleSpec, nowUs: number): void {
    this.#pass(nowUs);
    const used = this.#counts.reduce((sum, count) => sum + count, 0);
    this.#spec = spec;
    this.#counts = used === 0 ? [] : [Math.min(used, spec.limit)];
  }

  #windowUs(): number {
    return this.#spec.windowMs * 1000;
  }

  #pass(nowUs: number): void {
    while (this.#counts.length > 0 && nowUs >= this.#openedUs + this.#windowUs()) {
      this.#counts.shift();
      this.#openedUs += this.#windowUs();
    }
  }
}

function ceilDivide(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}
