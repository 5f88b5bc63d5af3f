// The token bucket (Turner, "New directions in communications", IEEE Communications 24:10, 1986).
//
// A bucket holds up to `burst` tokens. One drops in every window / limit; into a full bucket none
// does. A request takes as many tokens as it costs, or none at all, and is refused.
//
//       ⋮  one token every interval
//      ┌─┐
//      │ │   missing: taken, and not dropped in yet          fits  ⇔  missing + cost <= burst
//      │●│
//      │●│   burst − missing: what fits now
//      └─┘
//
// Nothing drops while nobody looks. The bucket remembers how many tokens are missing and when the
// last one dropped in; whoever comes next lets fall what is due. That moment is kept to a fraction
// of a µs (emission.ts): a bucket that restarts its interval at every look loses tokens, one that
// adds fractions of tokens as doubles gains some.
//
// In every interval of length t it admits at most burst + ⌊limit / window × t⌋. gcra.ts decides the
// same from one moment alone.
import { grown } from "./columns.ts";
import { Emission } from "./emission.ts";
import type { Rule, Table } from "./rule.ts";
import { checkRuleOptions, checkWhole, type RuleOptions, shareOf } from "./rule-options.ts";

/** Options of {@link tokenBucket}. */
export interface TokenBucketOptions extends RuleOptions {
  /** How many tokens the bucket holds. A whole number from 1; default `limit`. */
  burst?: number;
}

/** A limit as a bucket of tokens that fills at a steady rate. */
export class TokenBucket implements Rule {
  readonly algorithm = "token-bucket";
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly capacity: number;
  readonly reserveMsMax: number;
  /** From token to token. */
  readonly emission: Emission;
  /** No bucket owes more than this: what it holds, and what can be reserved. */
  readonly missingMax: number;

  constructor(options: TokenBucketOptions) {
    const checked = checkRuleOptions(options, "token-bucket");
    const { burst = checked.limit } = options;
    checkWhole("burst", burst, 1, Number.MAX_SAFE_INTEGER);
    this.name = checked.name;
    this.limit = checked.limit;
    this.windowMs = checked.windowMs;
    this.reserveMsMax = checked.reserveMsMax;
    this.capacity = burst;
    const reserved = Math.ceil((checked.reserveMsMax / checked.windowMs) * checked.limit);
    this.missingMax = burst + reserved;
    this.emission = new Emission(checked, this.missingMax, "burst");
    Object.freeze(this);
  }

  scaled(share: number): TokenBucket {
    const limit = shareOf(this.limit, share);
    return new TokenBucket({ ...this, limit, burst: shareOf(this.capacity, share) });
  }

  table(rows: number): TokenBucketTable {
    return new TokenBucketTable(rows);
  }
}

/**
 * Holds `burst` tokens, and gets `limit` per window. O(1), 24 bytes a key.
 *
 * @throws RangeError for options out of range
 */
export function tokenBucket(options: TokenBucketOptions): TokenBucket {
  return new TokenBucket(options);
}

/** The buckets of many keys. */
export class TokenBucketTable implements Table {
  #missing: Float64Array;
  // When the last token dropped in: sinceUs + sinceRest / parts µs. Of no meaning while the bucket
  // is full. Invariant: 0 <= sinceRest < parts.
  #sinceUs: Float64Array;
  #sinceRest: Float64Array;

  constructor(rows: number) {
    this.#missing = new Float64Array(rows);
    this.#sinceUs = new Float64Array(rows);
    this.#sinceRest = new Float64Array(rows);
  }

  settle(row: number, rule: TokenBucket, nowUs: number): void {
    const missing = this.#missing[row]!;
    if (missing === 0) return this.#fill(row, nowUs);
    const { emission } = rule;
    const sinceUs = this.#sinceUs[row]!;
    const sinceRest = this.#sinceRest[row]!;
    // The clock was set back: the tokens that are missing are still missing, from now on. Those
    // that are reserved will not be dropping in for longer than a reservation may be ahead.
    const over = missing - rule.capacity;
    const lateUs = over > 0 ? Math.max(0, emission.usOf(over) - rule.reserveMsMax * 1000) : 0;
    if (sinceUs > nowUs - lateUs) return this.#since(row, nowUs - lateUs, 0);
    const borrow = sinceRest > 0 ? 1 : 0;
    const us = nowUs - sinceUs - borrow;
    // Less than one interval has passed: the commonest case, and nothing to do.
    if (us < emission.whole) return;
    const dropped = emission.unitsIn(us, borrow * emission.parts - sinceRest);
    if (dropped >= missing) return this.#fill(row, nowUs);
    this.#missing[row] = missing - dropped;
    const rest = sinceRest + emission.restOf(dropped);
    const carry = rest >= emission.parts ? 1 : 0;
    this.#since(row, sinceUs + emission.usOf(dropped) + carry, rest - carry * emission.parts);
  }

  waitUs(row: number, rule: TokenBucket, nowUs: number, cost: number): number {
    if (cost > rule.capacity) return Infinity;
    const toDrop = this.#missing[row]! + cost - rule.capacity;
    if (toDrop <= 0) return 0;
    const us = this.#sinceUs[row]! + rule.emission.usOf(toDrop) - nowUs;
    const rest = this.#sinceRest[row]! + rule.emission.restOf(toDrop);
    return us + Math.ceil(rest / rule.emission.parts);
  }

  charge(row: number, _rule: TokenBucket, _nowUs: number, cost: number): number {
    this.#missing[row]! += cost;
    return 0;
  }

  refund(row: number, _rule: TokenBucket, nowUs: number, cost: number): void {
    const missing = this.#missing[row]! - cost;
    if (missing > 0) this.#missing[row] = missing;
    else this.#fill(row, nowUs);
  }

  remaining(row: number, rule: TokenBucket): number {
    return Math.max(0, rule.capacity - this.#missing[row]!);
  }

  fullUs(row: number, rule: TokenBucket): number {
    const missing = this.#missing[row]!;
    if (missing === 0) return 0;
    const rest = this.#sinceRest[row]! + rule.emission.restOf(missing);
    const us = this.#sinceUs[row]! + rule.emission.usOf(missing);
    return us + Math.ceil(rest / rule.emission.parts);
  }

  convert(row: number, _from: TokenBucket, to: TokenBucket, nowUs: number): void {
    this.#missing[row] = Math.min(this.#missing[row]!, to.capacity);
    // The time since the last token was measured at another rate.
    this.#since(row, nowUs, 0);
  }

  copy(from: number, to: number): void {
    this.#missing[to] = this.#missing[from]!;
    this.#since(to, this.#sinceUs[from]!, this.#sinceRest[from]!);
  }

  clear(row: number): void {
    this.#fill(row, 0);
  }

  grow(rows: number): void {
    this.#missing = grown(this.#missing, rows);
    this.#sinceUs = grown(this.#sinceUs, rows);
    this.#sinceRest = grown(this.#sinceRest, rows);
  }

  #fill(row: number, nowUs: number): void {
    this.#missing[row] = 0;
    this.#since(row, nowUs, 0);
  }

  #since(row: number, us: number, rest: number): void {
    this.#sinceUs[row] = us;
    this.#sinceRest[row] = rest;
  }
}
