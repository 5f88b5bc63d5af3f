// The conservative sliding counter: the window is cut into parts, each with a count, and the oldest
// part is counted whole for as long as any of it may be in sight.
//
//              ├──────────── window ────────────┤now
//     ├───┬────┼─┬─────┬─────┬─────┬─────┬──────┼┐
//     │ 2 │  1   │  0  │  3  │  1  │  0  │  2   ││   counted: 1 + 0 + 3 + 1 + 0 + 2
//     └───┴──────┴─────┴─────┴─────┴─────┴──────┴┘
//
// So it is never over the limit, in any interval as long as the window, whatever the traffic: the
// log's promise, in constant space. Its error is on the other side: a request is counted for up to
// a part longer than the window. Under constant pressure it admits limit × parts / (parts + 1) per
// window, 91 % with ten parts. (Its interpolated sibling errs on both sides.)
import { grown } from "./columns.ts";
import type { Rule, Table } from "./rule.ts";
import { checkRuleOptions, checkWhole, type RuleOptions, shareOf } from "./rule-options.ts";

/** Options of {@link conservativeSlidingCounter}. */
export interface ConservativeSlidingCounterOptions extends RuleOptions {
  /** Into how many parts the window is cut. A whole number from 1 to 1,000; default 10. */
  parts?: number;
}

/** A limit on every interval as long as the window, counted in parts. */
export class ConservativeSlidingCounter implements Rule {
  readonly algorithm = "conservative-sliding-counter";
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly capacity: number;
  readonly reserveMsMax: number;
  /** Into how many parts the window is cut. */
  readonly parts: number;
  /** The length of a part. All of them together are not shorter than the window. */
  readonly partUs: number;

  constructor(options: ConservativeSlidingCounterOptions) {
    const checked = checkRuleOptions(options, "conservative-sliding-counter");
    const { parts = 10 } = options;
    checkWhole("parts", parts, 1, 1000);
    this.name = checked.name;
    this.limit = this.capacity = checked.limit;
    this.windowMs = checked.windowMs;
    this.reserveMsMax = checked.reserveMsMax;
    this.parts = parts;
    this.partUs = Math.ceil(checked.windowUs / parts);
    Object.freeze(this);
  }

  scaled(share: number): ConservativeSlidingCounter {
    return new ConservativeSlidingCounter({ ...this, limit: shareOf(this.limit, share) });
  }

  table(rows: number): ConservativeSlidingCounterTable {
    return new ConservativeSlidingCounterTable(rows, this.parts);
  }
}

/**
 * At most `limit` in every half-open interval of a window's length. O(1), O(parts) where a part has
 * passed and to say how long to wait; 24 + 8 × parts bytes a key.
 *
 * @throws RangeError for options out of range
 */
export function conservativeSlidingCounter(
  options: ConservativeSlidingCounterOptions,
): ConservativeSlidingCounter {
  return new ConservativeSlidingCounter(options);
}

/** The counts of many keys. */
export class ConservativeSlidingCounterTable implements Table {
  readonly #slots: number;
  // Which part is the newest: number `index` began at index × partUs.
  #index: Float64Array;
  // Invariant: the sum of the row's counts.
  #used: Float64Array;
  // A ring of parts + 1 counts for each row; part number i is in slot i modulo parts + 1.
  #counts: Float64Array;

  constructor(rows: number, parts: number) {
    this.#slots = parts + 1;
    this.#index = new Float64Array(rows);
    this.#used = new Float64Array(rows);
    this.#counts = new Float64Array(rows * this.#slots);
  }

  settle(row: number, rule: ConservativeSlidingCounter, nowUs: number): void {
    const index = Math.floor(nowUs / rule.partUs);
    const stored = this.#index[row]!;
    if (stored === index) return;
    if (stored < index) return this.#moveTo(row, index);
    // Ahead of the present are reservations; further ahead, the clock was set back.
    const latest = Math.floor((nowUs + rule.reserveMsMax * 1000) / rule.partUs);
    if (stored > latest) this.#relabel(row, latest);
  }

  waitUs(row: number, rule: ConservativeSlidingCounter, nowUs: number, cost: number): number {
    if (cost > rule.limit) return Infinity;
    const index = this.#index[row]!;
    let atUs = Math.max(nowUs, index * rule.partUs);
    let over = this.#used[row]! + cost - rule.limit;
    for (let part = index - rule.parts; over > 0; part++) {
      over -= this.#counts[this.#slotOf(row, part)]!;
      atUs = Math.max(atUs, (part + this.#slots) * rule.partUs);
    }
    return atUs - nowUs;
  }

  charge(row: number, rule: ConservativeSlidingCounter, nowUs: number, cost: number): number {
    const atUs = nowUs + this.waitUs(row, rule, nowUs, cost);
    const index = Math.floor(atUs / rule.partUs);
    if (index > this.#index[row]!) this.#moveTo(row, index);
    this.#counts[this.#slotOf(row, index)]! += cost;
    this.#used[row]! += cost;
    return 0;
  }

  refund(row: number, _rule: ConservativeSlidingCounter, _nowUs: number, cost: number): void {
    const index = this.#index[row]!;
    let left = Math.min(cost, this.#used[row]!);
    this.#used[row]! -= left;
    for (let part = index; left > 0; part--) {
      const slot = this.#slotOf(row, part);
      const taken = Math.min(left, this.#counts[slot]!);
      this.#counts[slot]! -= taken;
      left -= taken;
    }
  }

  remaining(row: number, rule: ConservativeSlidingCounter, nowUs: number): number {
    if (this.#index[row]! * rule.partUs > nowUs) return 0;
    return Math.max(0, rule.limit - this.#used[row]!);
  }

  fullUs(row: number, rule: ConservativeSlidingCounter): number {
    let newest = this.#index[row]!;
    // A reservation that was given back leaves its part open: what came before is not known any
    // more.
    if (this.#used[row] === 0) return newest * rule.partUs;
    while (this.#counts[this.#slotOf(row, newest)] === 0) newest--;
    return (newest + this.#slots) * rule.partUs;
  }

  convert(
    row: number,
    from: ConservativeSlidingCounter,
    to: ConservativeSlidingCounter,
    nowUs: number,
  ): void {
    if (to.parts !== from.parts) {
      throw new TypeError(
        `a key's rule may not change its parts, from ${from.parts} to ${to.parts}`,
      );
    }
    if (from.partUs === to.partUs) return;
    // Counts of other parts say nothing about these: all of it is counted as of now.
    const used = this.#used[row]!;
    this.clear(row);
    this.#index[row] = Math.floor(nowUs / to.partUs);
    this.#counts[this.#slotOf(row, this.#index[row]!)] = used;
    this.#used[row] = used;
  }

  copy(from: number, to: number): void {
    this.#index[to] = this.#index[from]!;
    this.#used[to] = this.#used[from]!;
    const first = from * this.#slots;
    this.#counts.copyWithin(to * this.#slots, first, first + this.#slots);
  }

  clear(row: number): void {
    this.#index[row] = 0;
    this.#used[row] = 0;
    this.#counts.fill(0, row * this.#slots, (row + 1) * this.#slots);
  }

  grow(rows: number): void {
    this.#index = grown(this.#index, rows);
    this.#used = grown(this.#used, rows);
    this.#counts = grown(this.#counts, rows * this.#slots);
  }

  #slotOf(row: number, part: number): number {
    // Not `%`, which is many times slower on doubles.
    return row * this.#slots + part - Math.floor(part / this.#slots) * this.#slots;
  }

  // Opens the parts up to `index`; those that are out of sight by then are forgotten.
  #moveTo(row: number, index: number): void {
    if (this.#used[row] !== 0) {
      const first = Math.max(this.#index[row]! + 1, index - this.#slots + 1);
      for (let part = first; part <= index; part++) {
        const slot = this.#slotOf(row, part);
        this.#used[row]! -= this.#counts[slot]!;
        this.#counts[slot] = 0;
      }
    }
    this.#index[row] = index;
  }

  // The same counts, as if the newest part were number `index`, and each older one a part younger:
  // how far the newest had come is not known, and none may be out of sight too soon.
  #relabel(row: number, index: number): void {
    const counts = [];
    for (let age = 0; age < this.#slots; age++) {
      counts.push(this.#counts[this.#slotOf(row, this.#index[row]! - age)]!);
    }
    counts.splice(0, 2, counts[0]! + counts[1]!);
    this.#index[row] = index;
    for (let age = 0; age < this.#slots; age++) {
      this.#counts[this.#slotOf(row, index - age)] = counts[age] ?? 0;
    }
  }
}
