// The sliding-window counter, interpolated: two counts instead of a log. Requests of the window
// before are assumed to have come evenly spread, and those that would still be in sight are
// counted:
//
//          previous         │     current
//     ├─────────────────────┼──────────────────────┤
//               ├─────── window ──────┤now
//               └ share of  ┘
//                 previous
//
//     allowed  ⇔  previous × (1 − elapsed / window) + current + cost  <=  limit
//
// Smooth and small, and on even traffic off by less than one per cent (Cloudflare, "How we built
// rate limiting capable of scaling to millions of domains", 2017). But it is an estimate: whoever
// sends the whole limit at the very end of a window is estimated to have sent it evenly, and within
// an interval shorter than a window is let through up to twice the limit. The tests do so. Where
// the limit must hold, take conservative-sliding-counter.ts or the log.
import { grown } from "./columns.ts";
import type { Rule, Table } from "./rule.ts";
import { checkRuleOptions, type RuleOptions, shareOf } from "./rule-options.ts";

/** A limit on an estimate of the last window. */
export class SlidingWindowCounter implements Rule {
  readonly algorithm = "sliding-window-counter";
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  /** `windowMs` in µs. */
  readonly windowUs: number;
  readonly capacity: number;
  readonly reserveMsMax: number;

  constructor(options: RuleOptions) {
    const checked = checkRuleOptions(options, "sliding-window-counter");
    this.name = checked.name;
    this.limit = this.capacity = checked.limit;
    this.windowMs = checked.windowMs;
    this.windowUs = checked.windowUs;
    this.reserveMsMax = checked.reserveMsMax;
    Object.freeze(this);
  }

  scaled(share: number): SlidingWindowCounter {
    return new SlidingWindowCounter({ ...this, limit: shareOf(this.limit, share) });
  }

  table(rows: number): SlidingWindowCounterTable {
    return new SlidingWindowCounterTable(rows);
  }
}

/**
 * About `limit` per window; up to twice that against an adversary. O(1), 24 bytes a key.
 *
 * @throws RangeError for options out of range
 */
export function slidingWindowCounter(options: RuleOptions): SlidingWindowCounter {
  return new SlidingWindowCounter(options);
}

/** The pairs of counts of many keys. */
export class SlidingWindowCounterTable implements Table {
  // Which window `current` counts: number `index` began at index × window.
  #index: Float64Array;
  #current: Float64Array;
  #previous: Float64Array;

  constructor(rows: number) {
    this.#index = new Float64Array(rows);
    this.#current = new Float64Array(rows);
    this.#previous = new Float64Array(rows);
  }

  settle(row: number, rule: SlidingWindowCounter, nowUs: number): void {
    const index = Math.floor(nowUs / rule.windowUs);
    const stored = this.#index[row]!;
    if (stored === index) return;
    if (stored < index) {
      this.#previous[row] = stored === index - 1 ? this.#current[row]! : 0;
      this.#current[row] = 0;
      this.#index[row] = index;
      return;
    }
    // Ahead of the present are reservations; further ahead, the clock was set back.
    const latest = Math.floor((nowUs + rule.reserveMsMax * 1000) / rule.windowUs);
    if (stored > latest) this.#index[row] = latest;
  }

  waitUs(row: number, rule: SlidingWindowCounter, nowUs: number, cost: number): number {
    if (cost > rule.limit) return Infinity;
    const { limit, windowUs } = rule;
    const beganUs = this.#index[row]! * windowUs;
    const elapsedUs = Math.max(0, nowUs - beganUs);
    const room = limit - this.#current[row]! - cost;
    if (room >= 0) {
      const fitsUs = elapsedUntil(this.#previous[row]!, room, windowUs);
      return beganUs + Math.max(elapsedUs, fitsUs) - nowUs;
    }
    // Not in this window. In the next one, `current` will be what fades.
    const fitsUs = elapsedUntil(this.#current[row]!, limit - cost, windowUs);
    return beganUs + windowUs + fitsUs - nowUs;
  }

  charge(row: number, rule: SlidingWindowCounter, nowUs: number, cost: number): number {
    const atUs = nowUs + this.waitUs(row, rule, nowUs, cost);
    while (this.#index[row]! < Math.floor(atUs / rule.windowUs)) {
      this.#previous[row] = this.#current[row]!;
      this.#current[row] = 0;
      this.#index[row]!++;
    }
    this.#current[row]! += cost;
    return 0;
  }

  refund(row: number, _rule: SlidingWindowCounter, _nowUs: number, cost: number): void {
    const left = cost - this.#current[row]!;
    this.#current[row] = Math.max(0, -left);
    if (left > 0) this.#previous[row] = Math.max(0, this.#previous[row]! - left);
  }

  remaining(row: number, rule: SlidingWindowCounter, nowUs: number): number {
    const beganUs = this.#index[row]! * rule.windowUs;
    if (beganUs > nowUs) return 0;
    const room = rule.limit - this.#current[row]!;
    const inSight = this.#previous[row]! * (beganUs + rule.windowUs - nowUs);
    const units = Math.max(0, Math.floor(room - inSight / rule.windowUs));
    // Rounded the other way than the comparison it has to agree with?
    if (units > 0 && inSight > (room - units) * rule.windowUs) return units - 1;
    return inSight <= (room - units - 1) * rule.windowUs ? units + 1 : units;
  }

  fullUs(row: number, rule: SlidingWindowCounter): number {
    if (this.#current[row]! > 0) return (this.#index[row]! + 2) * rule.windowUs;
    if (this.#previous[row]! > 0) return (this.#index[row]! + 1) * rule.windowUs;
    // A reservation that was given back leaves its window open: what came before is not known any
    // more.
    return this.#index[row]! * rule.windowUs;
  }

  convert(row: number, from: SlidingWindowCounter, to: SlidingWindowCounter, nowUs: number): void {
    if (from.windowUs === to.windowUs) return;
    // Counts of other windows say nothing about these: all of it is counted as of now.
    this.#current[row] = Math.max(0, from.limit - this.remaining(row, from, nowUs));
    this.#previous[row] = 0;
    this.#index[row] = Math.floor(nowUs / to.windowUs);
  }

  copy(from: number, to: number): void {
    this.#index[to] = this.#index[from]!;
    this.#current[to] = this.#current[from]!;
    this.#previous[to] = this.#previous[from]!;
  }

  clear(row: number): void {
    this.#index[row] = 0;
    this.#current[row] = 0;
    this.#previous[row] = 0;
  }

  grow(rows: number): void {
    this.#index = grown(this.#index, rows);
    this.#current = grown(this.#current, rows);
    this.#previous = grown(this.#previous, rows);
  }
}

// How far into a window `count` of the window before has faded to `room`: the smallest whole number
// of µs with count × (window − elapsed) <= room × window. The products may be beyond 2^53, where
// they are rounded, but in the same way at every look, and they never rise as time passes.
function elapsedUntil(count: number, room: number, windowUs: number): number {
  if (count <= room) return 0;
  const most = room * windowUs;
  let elapsedUs = Math.ceil(windowUs - most / count);
  while (elapsedUs > 0 && count * (windowUs - (elapsedUs - 1)) <= most) elapsedUs--;
  while (count * (windowUs - elapsedUs) > most) elapsedUs++;
  return elapsedUs;
}
