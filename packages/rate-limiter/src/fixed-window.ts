// The fixed window: count, and start again from nothing when the window has passed.
//
// A key's window opens with its first request, not with the minute of the clock: else all clients
// that wait for the minute come back together. Cheap and easy to explain, and weak: it admits the
// limit at the end of one window and again at the start of the next.
//
//        window            window
//     ├───────────────┤├───────────────┤
//                  ████ ████                  2 × limit within far less than a window
//
// Right for quotas (so much a day), wrong for the protection of something that must not be hit
// twice as hard; the siblings with "sliding" in their names are for that.
//
// A reservation that does not fit opens the next windows in advance: `count` goes on beyond the
// limit, and each full `limit` of it belongs to a window of its own.
import { grown } from "./columns.ts";
import type { Rule, Table } from "./rule.ts";
import { checkRuleOptions, type RuleOptions, shareOf } from "./rule-options.ts";

/** A limit on each of a row of windows. */
export class FixedWindow implements Rule {
  readonly algorithm = "fixed-window";
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  /** `windowMs` in µs. */
  readonly windowUs: number;
  readonly capacity: number;
  readonly reserveMsMax: number;

  constructor(options: RuleOptions) {
    const checked = checkRuleOptions(options, "fixed-window");
    this.name = checked.name;
    this.limit = this.capacity = checked.limit;
    this.windowMs = checked.windowMs;
    this.windowUs = checked.windowUs;
    this.reserveMsMax = checked.reserveMsMax;
    Object.freeze(this);
  }

  scaled(share: number): FixedWindow {
    return new FixedWindow({ ...this, limit: shareOf(this.limit, share) });
  }

  table(rows: number): FixedWindowTable {
    return new FixedWindowTable(rows);
  }
}

/**
 * At most `limit` in each window; in an interval as long as a window, up to twice that. O(1), 16
 * bytes a key.
 *
 * @throws RangeError for options out of range
 */
export function fixedWindow(options: RuleOptions): FixedWindow {
  return new FixedWindow(options);
}

/** The open windows of many keys. */
export class FixedWindowTable implements Table {
  // When the window opened. Of no meaning while count is 0.
  #openedUs: Float64Array;
  // Cost in the open window and, beyond the limit, in the ones reserved after it.
  #count: Float64Array;

  constructor(rows: number) {
    this.#openedUs = new Float64Array(rows);
    this.#count = new Float64Array(rows);
  }

  settle(row: number, rule: FixedWindow, nowUs: number): void {
    const openedUs = this.#openedUs[row]!;
    const elapsedUs = nowUs - openedUs;
    const count = this.#count[row]!;
    if (elapsedUs >= rule.windowUs) {
      const passed = Math.floor(elapsedUs / rule.windowUs);
      const left = Math.max(0, count - passed * rule.limit);
      this.#count[row] = left;
      this.#openedUs[row] = left === 0 ? nowUs : openedUs + passed * rule.windowUs;
    } else if (count === 0) {
      this.#openedUs[row] = nowUs;
    } else if (elapsedUs < 0 || count > rule.limit) {
      // Has the clock been set back? No window can have opened later than now, and none that is
      // reserved will open later than a reservation can be.
      const reservedUs = (Math.ceil(count / rule.limit) - 1) * rule.windowUs;
      const latestUs = nowUs - Math.max(0, reservedUs - rule.reserveMsMax * 1000);
      this.#openedUs[row] = Math.min(openedUs, latestUs);
    }
  }

  waitUs(row: number, rule: FixedWindow, nowUs: number, cost: number): number {
    if (cost > rule.limit) return Infinity;
    const count = this.#count[row]!;
    if (count + cost <= rule.limit) return 0;
    return this.#openedUs[row]! + windowOf(count, rule.limit, cost) * rule.windowUs - nowUs;
  }

  charge(row: number, rule: FixedWindow, _nowUs: number, cost: number): number {
    const count = this.#count[row]!;
    if (count + cost <= rule.limit) this.#count[row] = count + cost;
    // What does not fit into the window before leaves its rest unused.
    else this.#count[row] = Math.max(count, windowOf(count, rule.limit, cost) * rule.limit) + cost;
    return 0;
  }

  refund(row: number, _rule: FixedWindow, _nowUs: number, cost: number): void {
    this.#count[row] = Math.max(0, this.#count[row]! - cost);
  }

  remaining(row: number, rule: FixedWindow): number {
    return Math.max(0, rule.limit - this.#count[row]!);
  }

  fullUs(row: number, rule: FixedWindow): number {
    const count = this.#count[row]!;
    if (count === 0) return 0;
    return this.#openedUs[row]! + Math.ceil(count / rule.limit) * rule.windowUs;
  }

  convert(row: number, _from: FixedWindow, to: FixedWindow): void {
    this.#count[row] = Math.min(this.#count[row]!, to.limit);
  }

  copy(from: number, to: number): void {
    this.#openedUs[to] = this.#openedUs[from]!;
    this.#count[to] = this.#count[from]!;
  }

  clear(row: number): void {
    this.#openedUs[row] = 0;
    this.#count[row] = 0;
  }

  grow(rows: number): void {
    this.#openedUs = grown(this.#openedUs, rows);
    this.#count = grown(this.#count, rows);
  }
}

// In which window, counted from the open one, `cost` fits behind `count`.
function windowOf(count: number, limit: number, cost: number): number {
  const window = Math.floor(count / limit);
  return (count % limit) + cost <= limit ? window : window + 1;
}
