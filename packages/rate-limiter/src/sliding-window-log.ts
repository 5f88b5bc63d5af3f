// The sliding-window log: remember when each request was admitted, and count those not older than
// the window. The definition of a rate limit, taken by its word:
//
//          ├────────── window ──────────┤now
//     ✕ ✕  │  ●    ● ●         ●  ●     │            5 of 5: the next one has to wait
//          └──┬──────────────────────────             until this one is a window old
//
// Exact in every interval, at the price of memory: one entry for each request in the window, up to
// `limit` of them for a key. The sliding counters are its siblings of constant size: one admits
// less than it could, the other now and then more than it should.
import { Entries } from "./entries.ts";
import type { Rule, Table } from "./rule.ts";
import { checkRuleOptions, type RuleOptions, shareOf } from "./rule-options.ts";

/** A limit on every interval as long as the window. */
export class SlidingWindowLog implements Rule {
  readonly algorithm = "sliding-window-log";
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  /** `windowMs` in µs. */
  readonly windowUs: number;
  readonly capacity: number;
  readonly reserveMsMax: number;

  constructor(options: RuleOptions) {
    const checked = checkRuleOptions(options, "sliding-window-log");
    this.name = checked.name;
    this.limit = this.capacity = checked.limit;
    this.windowMs = checked.windowMs;
    this.windowUs = checked.windowUs;
    this.reserveMsMax = checked.reserveMsMax;
    Object.freeze(this);
  }

  scaled(share: number): SlidingWindowLog {
    return new SlidingWindowLog({ ...this, limit: shareOf(this.limit, share) });
  }

  table(rows: number): SlidingWindowLogTable {
    return new SlidingWindowLogTable(rows);
  }
}

/**
 * At most `limit` in every half-open interval of a window's length. O(1) amortised, O(cost) to say
 * how long to wait; 16 bytes a key and 32 for each request in its window.
 *
 * @throws RangeError for options out of range
 */
export function slidingWindowLog(options: RuleOptions): SlidingWindowLog {
  return new SlidingWindowLog(options);
}

/** The logs of many keys. */
export class SlidingWindowLogTable implements Table {
  // Invariant: the times of a row never fall. Those ahead of the present are reservations; what
  // comes later stands in line behind them.
  readonly #entries: Entries;

  constructor(rows: number) {
    this.#entries = new Entries(rows);
  }

  settle(row: number, rule: SlidingWindowLog, nowUs: number): void {
    // Where the clock was set back: no entry may lie further ahead than a reservation can.
    this.#entries.setBack(row, nowUs + rule.reserveMsMax * 1000);
    this.#entries.dropUntil(row, nowUs - rule.windowUs);
  }

  waitUs(row: number, rule: SlidingWindowLog, nowUs: number, cost: number): number {
    if (cost > rule.limit) return Infinity;
    const entries = this.#entries;
    const last = entries.last(row);
    let atUs = last === 0 ? nowUs : Math.max(nowUs, entries.atUs(last));
    // In this order: with reservations, `used` may be twice the limit, and the sum beyond 2^53.
    let over = entries.used(row) - rule.limit + cost;
    for (let entry = entries.first(row); over > 0; entry = entries.next(entry)) {
      over -= entries.cost(entry);
      atUs = Math.max(atUs, entries.atUs(entry) + rule.windowUs);
    }
    return atUs - nowUs;
  }

  charge(row: number, rule: SlidingWindowLog, nowUs: number, cost: number): number {
    const atUs = nowUs + this.waitUs(row, rule, nowUs, cost);
    const last = this.#entries.last(row);
    // Requests of one microsecond share an entry.
    if (last !== 0 && this.#entries.atUs(last) === atUs) {
      this.#entries.add(row, last, cost);
    } else this.#entries.push(row, atUs, cost);
    return 0;
  }

  refund(row: number, _rule: SlidingWindowLog, _nowUs: number, cost: number): void {
    this.#entries.takeBack(row, cost);
  }

  remaining(row: number, rule: SlidingWindowLog, nowUs: number): number {
    const last = this.#entries.last(row);
    if (last !== 0 && this.#entries.atUs(last) > nowUs) return 0;
    return Math.max(0, rule.limit - this.#entries.used(row));
  }

  fullUs(row: number, rule: SlidingWindowLog): number {
    const last = this.#entries.last(row);
    return last === 0 ? 0 : this.#entries.atUs(last) + rule.windowUs;
  }

  // Entries mean the same under any limit and any window.
  convert(): void {}

  copy(from: number, to: number): void {
    this.#entries.copy(from, to);
  }

  clear(row: number): void {
    this.#entries.clear(row);
  }

  grow(rows: number): void {
    this.#entries.grow(rows);
  }
}
