// The generic cell rate algorithm (ITU-T I.371, annex A; ATM Forum Traffic Management 4.1, §4.4).
//
// Instead of counting tokens, remember one moment: the theoretical arrival time (TAT), at which the
// next request would arrive if all came evenly spaced. Each request moves it on by one emission
// interval, window / limit. A request may come before its theoretical time, by the burst tolerance
// at most:
//
//        TAT − tolerance              now           TAT
//     ────────┼────────────────────────┼─────────────┼────▶ time
//             └──── from here on it is allowed       └ full again: nothing is owed
//
//     allowed  ⇔  max(TAT, now) + cost × interval  <=  now + capacity × interval
//     then         TAT ← max(TAT, now) + cost × interval
//
// It decides exactly as a token bucket does (token-bucket.ts), and remembers two numbers instead of
// three. In every interval of length t it admits at most capacity + ⌊limit / window × t⌋.
import { grown } from "./columns.ts";
import { Emission } from "./emission.ts";
import type { Rule, Table } from "./rule.ts";
import { checkRuleOptions, checkWhole, type RuleOptions, shareOf } from "./rule-options.ts";

/** Options of {@link gcra}. */
export interface GcraOptions extends RuleOptions {
  /** The most that can be taken at once. A whole number from 1; default `limit`. */
  burst?: number;
}

/** What a table of theoretical arrival times has to know of a rule. */
export interface Spacing extends Rule {
  /** The interval. */
  readonly emission: Emission;
  /** capacity × interval, and its fraction in units of 1 / parts µs. */
  readonly toleranceUs: number;
  readonly toleranceRest: number;
  /** No request can have moved the TAT further ahead of the present than this. */
  readonly aheadUsMax: number;
}

/** A limit as a spacing of requests, with a tolerance. */
export class Gcra implements Rule {
  readonly algorithm = "gcra";
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly capacity: number;
  readonly reserveMsMax: number;
  /** The interval. */
  readonly emission: Emission;
  /** capacity × interval. */
  readonly toleranceUs: number;
  /** Its fraction, in units of 1 / parts µs. */
  readonly toleranceRest: number;
  /** How far the TAT can be ahead of the present. */
  readonly aheadUsMax: number;

  constructor(options: GcraOptions) {
    const checked = checkRuleOptions(options, "gcra");
    const { burst = checked.limit } = options;
    checkWhole("burst", burst, 1, Number.MAX_SAFE_INTEGER);
    this.name = checked.name;
    this.limit = checked.limit;
    this.windowMs = checked.windowMs;
    this.reserveMsMax = checked.reserveMsMax;
    this.capacity = burst;
    this.emission = new Emission(checked, burst, "burst");
    this.toleranceUs = this.emission.usOf(burst);
    this.toleranceRest = this.emission.restOf(burst);
    this.aheadUsMax = this.toleranceUs + checked.reserveUsMax;
    Object.freeze(this);
  }

  scaled(share: number): Gcra {
    const limit = shareOf(this.limit, share);
    return new Gcra({ ...this, limit, burst: shareOf(this.capacity, share) });
  }

  table(rows: number): GcraTable {
    return new GcraTable(rows);
  }
}

/**
 * At most `burst` at once, then `limit` per window, evenly spaced. O(1), 16 bytes a key.
 *
 * @throws RangeError for options out of range
 */
export function gcra(options: GcraOptions): Gcra {
  return new Gcra(options);
}

/** The theoretical arrival times of many keys. */
export class GcraTable implements Table {
  // The TAT is tatUs + tatRest / parts µs. Invariant: 0 <= tatRest < parts.
  #tatUs: Float64Array;
  #tatRest: Float64Array;

  constructor(rows: number) {
    this.#tatUs = new Float64Array(rows);
    this.#tatRest = new Float64Array(rows);
  }

  settle(row: number, rule: Spacing, nowUs: number): void {
    const tatUs = this.#tatUs[row]!;
    if (tatUs < nowUs) {
      this.#tatUs[row] = nowUs;
      this.#tatRest[row] = 0;
    } else if (tatUs > nowUs + rule.aheadUsMax) {
      // The clock was set back. What is owed is a full bucket at most.
      this.#tatUs[row] = nowUs + rule.aheadUsMax;
      this.#tatRest[row] = rule.toleranceRest;
    }
  }

  waitUs(row: number, rule: Spacing, nowUs: number, cost: number): number {
    if (cost > rule.capacity) return Infinity;
    const { emission } = rule;
    const us = this.#tatUs[row]! + emission.usOf(cost) - rule.toleranceUs - nowUs;
    const rest = this.#tatRest[row]! + emission.restOf(cost) - rule.toleranceRest;
    // Part of a µs is waited for as a whole one.
    return Math.max(0, us + Math.ceil(rest / emission.parts));
  }

  charge(row: number, rule: Spacing, _nowUs: number, cost: number): number {
    const { emission } = rule;
    const rest = this.#tatRest[row]! + emission.restOf(cost);
    const carry = rest >= emission.parts ? 1 : 0;
    this.#tatUs[row]! += emission.usOf(cost) + carry;
    this.#tatRest[row] = rest - carry * emission.parts;
    return 0;
  }

  refund(row: number, rule: Spacing, nowUs: number, cost: number): void {
    const { emission } = rule;
    const rest = this.#tatRest[row]! - emission.restOf(cost);
    const borrow = rest < 0 ? 1 : 0;
    this.#tatUs[row]! -= emission.usOf(cost) + borrow;
    this.#tatRest[row] = rest + borrow * emission.parts;
    this.settle(row, rule, nowUs);
  }

  remaining(row: number, rule: Spacing, nowUs: number): number {
    const rest = rule.toleranceRest - this.#tatRest[row]!;
    const borrow = rest < 0 ? 1 : 0;
    const us = nowUs + rule.toleranceUs - this.#tatUs[row]! - borrow;
    return rule.emission.unitsIn(us, rest + borrow * rule.emission.parts);
  }

  fullUs(row: number): number {
    return this.#tatUs[row]! + (this.#tatRest[row]! > 0 ? 1 : 0);
  }

  convert(row: number, from: Spacing, to: Spacing, nowUs: number): void {
    const owed = from.capacity - this.remaining(row, from, nowUs);
    this.#tatUs[row] = nowUs;
    this.#tatRest[row] = 0;
    this.charge(row, to, nowUs, Math.min(owed, to.capacity));
  }

  copy(from: number, to: number): void {
    this.#tatUs[to] = this.#tatUs[from]!;
    this.#tatRest[to] = this.#tatRest[from]!;
  }

  clear(row: number): void {
    this.#tatUs[row] = 0;
    this.#tatRest[row] = 0;
  }

  grow(rows: number): void {
    this.#tatUs = grown(this.#tatUs, rows);
    this.#tatRest = grown(this.#tatRest, rows);
  }
}
