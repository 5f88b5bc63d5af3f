// The concurrency limit: not how many in a time, but how many at a time. A request holds its place
// until it is released. Little's law ties the two together: in flight = rate × time in flight; so a
// server that slows down is sent less by this limit, and just as much as before by all the others.
//
//     take ──▶ │ ● ● ● │ ──▶ release
//              └ limit ┘
//
// Whoever crashes never releases. So each place is a lease, and free again after `windowMs` at the
// latest; choose it longer than the longest request. (Until then, `retryAfterMs` can only say when
// the first lease would end; most are released sooner.)
import { Entries } from "./entries.ts";
import type { Rule, Table } from "./rule.ts";
import { checkRuleOptions, checkWhole, shareOf, WINDOW_MS_MAX } from "./rule-options.ts";

/** Options of {@link concurrencyLimit}. */
export interface ConcurrencyLimitOptions {
  /** Cost in flight at once. A whole number from 1. */
  limit: number;
  /** After how many ms a place is free even if nobody released it. A whole number from 1. */
  leaseMs: number;
  /** As in {@link RuleOptions}. */
  name?: string;
}

/** A limit on what is in flight. */
export class ConcurrencyLimit implements Rule {
  readonly algorithm = "concurrency-limit";
  readonly name: string;
  readonly limit: number;
  /** The lease. */
  readonly windowMs: number;
  /** `windowMs` in µs. */
  readonly windowUs: number;
  readonly capacity: number;
  /** A place is not known before somebody leaves it. */
  readonly reserveMsMax = 0;

  constructor(options: ConcurrencyLimitOptions) {
    const { leaseMs, ...others } = options;
    checkWhole("leaseMs", leaseMs, 1, WINDOW_MS_MAX);
    const checked = checkRuleOptions({ ...others, windowMs: leaseMs }, "concurrency-limit");
    this.name = checked.name;
    this.limit = this.capacity = checked.limit;
    this.windowMs = checked.windowMs;
    this.windowUs = checked.windowUs;
    Object.freeze(this);
  }

  scaled(share: number): ConcurrencyLimit {
    const limit = shareOf(this.limit, share);
    return new ConcurrencyLimit({ limit, leaseMs: this.windowMs, name: this.name });
  }

  table(rows: number): ConcurrencyLimitTable {
    return new ConcurrencyLimitTable(rows);
  }
}

/**
 * At most `limit` in flight. O(1), O(cost) to say how long to wait; 16 bytes a key and 32 for each
 * request in flight.
 *
 * @throws RangeError for options out of range
 */
export function concurrencyLimit(options: ConcurrencyLimitOptions): ConcurrencyLimit {
  return new ConcurrencyLimit(options);
}

/** The leases of many keys. */
export class ConcurrencyLimitTable implements Table {
  readonly #leases: Entries;

  constructor(rows: number) {
    this.#leases = new Entries(rows);
  }

  settle(row: number, rule: ConcurrencyLimit, nowUs: number): void {
    // Where the clock was set back: no lease can have begun later than now.
    this.#leases.setBack(row, nowUs);
    this.#leases.dropUntil(row, nowUs - rule.windowUs);
  }

  waitUs(row: number, rule: ConcurrencyLimit, nowUs: number, cost: number): number {
    if (cost > rule.limit) return Infinity;
    const leases = this.#leases;
    let waitUs = 0;
    let over = leases.used(row) + cost - rule.limit;
    for (let lease = leases.first(row); over > 0; lease = leases.next(lease)) {
      over -= leases.cost(lease);
      waitUs = leases.atUs(lease) + rule.windowUs - nowUs;
    }
    return waitUs;
  }

  /** Returns the identity of the lease. */
  charge(row: number, _rule: ConcurrencyLimit, nowUs: number, cost: number): number {
    return this.#leases.push(row, nowUs, cost);
  }

  /** Ends a lease of this row; one that has ended already is left as it is. */
  release(row: number, lease: number): boolean {
    const entry = this.#leases.find(row, lease);
    if (entry !== 0) this.#leases.remove(row, entry);
    return entry !== 0;
  }

  // A place belongs to its lease: taken from the newest, it could be somebody else's.
  refund(): void {}

  remaining(row: number, rule: ConcurrencyLimit): number {
    return Math.max(0, rule.limit - this.#leases.used(row));
  }

  fullUs(row: number, rule: ConcurrencyLimit): number {
    const last = this.#leases.last(row);
    return last === 0 ? 0 : this.#leases.atUs(last) + rule.windowUs;
  }

  // Leases mean the same under any limit.
  convert(): void {}

  copy(from: number, to: number): void {
    this.#leases.copy(from, to);
  }

  clear(row: number): void {
    this.#leases.clear(row);
  }

  grow(rows: number): void {
    this.#leases.grow(rows);
  }
}
