// A rate limit in this process: synchronous, exact, and without a timer. One limiter holds one rule
// or several for any number of keys; several are decided together, and charged only if all allow.
//
// The algorithms have files of their own (token-bucket.ts, gcra.ts, …) and keep their numbers in
// tables; stores/memory.ts knows which row belongs to whom, and decide.ts asks about a row.
import { type Clock, sleep, systemClock } from "@compendium/runtime";
import { type ConcurrencyLimit, ConcurrencyLimitTable } from "./concurrency-limit.ts";
import { decide, waitsUs } from "./decide.ts";
import { type Decision, OUTCOMES, type Outcome, type Reservation } from "./decision.ts";
import {
  ALL,
  checkCost,
  checkIdempotencyKey,
  checkKey,
  type StoredKey,
  storedKeyOf,
} from "./key.ts";
import { checkName } from "./limiter-keys.ts";
import { Once } from "./once.ts";
import type { AcquireOptions, PlanOptions, RateLimiterOptions, TakeOptions } from "./options.ts";
import { checkParts } from "./parts.ts";
import type { Rule, Table } from "./rule.ts";
import { checkWhole, show } from "./rule-options.ts";
import { checkRules, RuleSets } from "./rule-sets.ts";
import type { RateLimiterStats } from "./stats.ts";
import { MemoryStore, type Rows } from "./stores/memory.ts";
import { checkWait, delayMsMaxOf, tooEarlyMs } from "./wait.ts";

/** What one limiter has to say about a request that several decide together. */
export interface Part {
  /** Who is asked. */
  limiter: RateLimiter;
  /** Default: the one limit of all. */
  key?: string;
  /** Default 1. */
  cost?: number;
}

/** One rule or several, for any number of keys, in this process. */
export class RateLimiter {
  /** Its name in metrics and errors. */
  readonly name: string;
  readonly #clock: Clock;
  readonly #originMs: number;
  readonly #onKeysMax: "deny" | "allow";
  readonly #tables: readonly Table[];
  readonly #ruleSets: RuleSets;
  readonly #store: MemoryStore;
  readonly #once: Once<Decision>;
  readonly #counts = Object.fromEntries(OUTCOMES.map((it) => [it, 0])) as Record<Outcome, number>;

  /**
   * @throws RangeError for options out of range, or rules of one name
   * @throws TypeError for what is no rule
   */
  constructor(rules: Rule | readonly Rule[], options: RateLimiterOptions = {}) {
    const { name = "rate-limiter", keysMax = 1_000_000, onKeysMax = "deny" } = options;
    const { idempotencyMs = 60_000, idempotencyKeysMax = 100_000, clock = systemClock } = options;
    checkWhole("keysMax", keysMax, 1, 2 ** 24 - 1);
    if (onKeysMax !== "deny" && onKeysMax !== "allow") {
      throw new TypeError(`onKeysMax must be "deny" or "allow", got ${show(onKeysMax)}`);
    }
    checkName(name);
    this.name = name;
    this.#clock = clock;
    this.#originMs = clock.now();
    this.#onKeysMax = onKeysMax;
    const checked = checkRules(rules);
    this.#tables = checked.map((rule) => rule.table(1));
    this.#ruleSets = new RuleSets(checked);
    this.#once = new Once(idempotencyMs, idempotencyKeysMax);
    this.#store = new MemoryStore(this.#rows(), keysMax);
  }

  /** The rules, in order. */
  get rules(): readonly Rule[] {
    return this.#ruleSets.default;
  }

  /**
   * Puts other rules in the place of the limiter's, from now on; what has been taken stays taken.
   *
   * @throws TypeError unless they are of the same algorithms in the same order
   */
  setRules(rules: Rule | readonly Rule[]): void {
    this.#ruleSets.setDefault(rules);
  }

  /**
   * Takes `cost` from the limit of `key`, or nothing at all. Without a key, from the one limit of
   * all. O(1) for a rule.
   *
   * @throws RangeError when cost is not a whole number from 1, or the key is empty or too long
   * @throws TypeError when the key is no string
   */
  take(key?: string, cost = 1, options?: TakeOptions): Decision {
    checkCost(cost);
    if (options !== undefined) return this.#takeWith(storedKeyOf(key), cost, options);
    const nowUs = this.#nowUs();
    const row = this.#rowOf(storedKeyOf(key), nowUs);
    if (row === 0) return this.#count(this.#noRoom());
    return this.#count(decide(this.#tables, this.#rulesOf(row, nowUs), row, nowUs, cost, true));
  }

  /**
   * Takes from several limiters, or from none of them: the request of a user, of the workspace and
   * of the whole service. The answer is that of the limiter that binds most.
   */
  static takeTogether(parts: readonly Part[]): Decision {
    checkParts(parts, RateLimiter);
    try {
      const asked = parts.map(({ limiter, key, cost = 1 }) => limiter.#prepare(key ?? ALL, cost));
      const seen = asked.map(({ ask }) => ask(false));
      if (seen.some((it) => !it.allowed)) {
        const binding = seen.reduce(laterOf);
        const remaining = Math.min(...seen.map((it) => it.remaining));
        return parts[seen.indexOf(binding)]!.limiter.#count({ ...binding, remaining });
      }
      const taken = asked.map(({ ask }, i) => parts[i]!.limiter.#count(ask(true)));
      const lease = Math.max(...taken.map((it) => it.lease));
      const delayMs = Math.max(...taken.map((it) => it.delayMs));
      return { ...taken.reduce(scarcerOf), lease, delayMs };
    } finally {
      for (const { limiter } of parts) limiter.#store.unpin();
    }
  }

  /** What `take` would answer. Takes nothing, and counts nothing. */
  peek(key?: string, cost = 1, options: PlanOptions = {}): Decision {
    checkCost(cost);
    const nowUs = this.#nowUs();
    let row = this.#rowOrNew(storedKeyOf(key));
    if (!this.#ruleSets.isUnder(row, options.rules)) {
      // What is converted to other rules cannot be converted back; that is done to a copy.
      this.#ruleSets.copy(row, 0, this.#tables);
      row = 0;
    }
    return decide(this.#tables, this.#rulesOf(row, nowUs, options.rules), row, nowUs, cost, false);
  }

  /**
   * Takes `cost` for a turn up to `waitMsMax` ahead, or nothing at all: the caller waits, and need
   * not ask again. Of several rules, each counts it when it fits for itself; the caller waits for
   * the last.
   *
   * @param waitMsMax up to the smallest `reserveMsMax` of the rules, which is the default
   * @throws RangeError when waitMsMax is above that
   */
  reserve(key?: string, cost = 1, waitMsMax?: number, options: PlanOptions = {}): Reservation {
    checkCost(cost);
    const mostMs = checkWait(this.#ruleSets.listOf(options.rules), waitMsMax);
    const nowUs = this.#nowUs();
    const row = this.#rowOf(storedKeyOf(key), nowUs);
    if (row === 0) return reservationOf(this.#count(this.#noRoom()));
    const rules = this.#rulesOf(row, nowUs, options.rules);
    const seen = decide(this.#tables, rules, row, nowUs, cost, false);
    const { placeUs, turnUs } = waitsUs(this.#tables, rules, row, nowUs, cost);
    const retryAfterMs = tooEarlyMs(rules, placeUs, turnUs, mostMs);
    if (retryAfterMs > 0) {
      this.#counts[seen.allowed ? "denied" : seen.outcome]++;
      return { allowed: false, retryAfterMs };
    }
    let lease = 0;
    for (const [i, table] of this.#tables.entries()) {
      lease = table.charge(row, rules[i]!, nowUs, cost) || lease;
    }
    this.#counts.allowed++;
    let isHeld = true;
    const cancel = () => {
      if (isHeld) this.refund(key, cost, options);
      if (isHeld && lease !== 0) this.release(key, lease);
      isHeld = false;
    };
    return { allowed: true, waitMs: Math.max(placeUs, turnUs) / 1000, lease, cancel };
  }

  /**
   * Waits for its turn. Resolves when it has come, or at once with a refusal when that would take
   * longer than `waitMsMax`.
   */
  async acquire(key?: string, cost = 1, options: AcquireOptions = {}): Promise<Reservation> {
    const { waitMsMax, signal } = options;
    signal?.throwIfAborted();
    const reservation = this.reserve(key, cost, waitMsMax, options);
    if (!reservation.allowed || reservation.waitMs === 0) return reservation;
    try {
      await sleep(reservation.waitMs, { clock: this.#clock, ...(signal && { signal }) });
    } catch (reason) {
      reservation.cancel();
      throw reason;
    }
    return reservation;
  }

  /**
   * Gives back up to `cost` of what a key has taken, the newest first. A turn in a leaky bucket's
   * queue is lost, and a place under a concurrency limit is given back by `release`. What was taken
   * under a plan's rules is given back under them.
   */
  refund(key?: string, cost = 1, options: PlanOptions = {}): void {
    checkCost(cost);
    const row = this.#rowOrNew(storedKeyOf(key));
    if (row === 0) return;
    const nowUs = this.#nowUs();
    const rules = this.#rulesOf(row, nowUs, options.rules);
    for (const [i, table] of this.#tables.entries()) {
      table.settle(row, rules[i]!, nowUs);
      table.refund(row, rules[i]!, nowUs, cost);
    }
  }

  /**
   * Ends what `take` began, where a rule is a concurrency limit. Returns whether the place was
   * still held: false when released before, or when its lease had run out.
   *
   * @throws TypeError when no rule is a concurrency limit
   */
  release(key: string | undefined, lease: number): boolean {
    const index = this.#tables.findIndex((table) => table instanceof ConcurrencyLimitTable);
    if (index === -1) throw new TypeError(`${this.name} has no concurrency limit to release`);
    const table = this.#tables[index] as ConcurrencyLimitTable;
    const row = this.#rowOrNew(storedKeyOf(key));
    if (row === 0) return false;
    const nowUs = this.#nowUs();
    // A lease that has run out is not held any more, though nobody has looked since.
    table.settle(row, this.#ruleSets.under(row)[index] as ConcurrencyLimit, nowUs);
    return table.release(row, lease);
  }

  /** Forgets a key: its limit is full again. */
  reset(key?: string): void {
    checkKey(storedKeyOf(key));
    this.#store.delete(storedKeyOf(key));
  }

  /** Plain numbers; reading them changes nothing. */
  stats(): RateLimiterStats {
    const { size: keys, keysMax, forgotten: keysForgotten } = this.#store;
    return { name: this.name, decisions: { ...this.#counts }, keys, keysMax, keysForgotten };
  }

  #takeWith(key: StoredKey, cost: number, options: TakeOptions): Decision {
    const { rules, idempotencyKey } = options;
    const delayUsMax = delayMsMaxOf(options) * 1000;
    // All of it before anything is stored.
    checkKey(key);
    if (rules !== undefined) this.#ruleSets.check(rules);
    const nowUs = this.#nowUs();
    const identity = idempotencyKey === undefined ? undefined : identityOf(key, idempotencyKey);
    const before = identity === undefined ? undefined : this.#once.get(identity, nowUs);
    if (before !== undefined) return this.#count(before);
    const row = this.#rowOf(key, nowUs);
    if (row === 0) return this.#count(this.#noRoom());
    const decision = decide(
      this.#tables,
      this.#rulesOf(row, nowUs, rules),
      row,
      nowUs,
      cost,
      true,
      delayUsMax,
    );
    if (identity !== undefined && decision.allowed) this.#once.set(identity, decision, nowUs);
    return this.#count(decision);
  }

  // A key's row is found, and stays until all parts have been asked.
  #prepare(key: StoredKey, cost: number): { ask(charge: boolean): Decision } {
    checkCost(cost);
    const nowUs = this.#nowUs();
    const row = this.#rowOf(key, nowUs);
    this.#store.pin(row);
    const ask = (charge: boolean) => {
      if (row === 0) return this.#noRoom();
      return decide(this.#tables, this.#rulesOf(row, nowUs), row, nowUs, cost, charge);
    };
    return { ask };
  }

  #noRoom(): Decision {
    const allowed = this.#onKeysMax === "allow";
    const rule = this.rules[0]!;
    const retryAfterMs = allowed ? 0 : Infinity;
    return {
      allowed,
      outcome: "keys-max",
      rule,
      remaining: 0,
      retryAfterMs,
      delayMs: 0,
      resetMs: 0,
      lease: 0,
    };
  }

  #count(decision: Decision): Decision {
    // By a constant name first: a name that varies is looked up, which costs more than to decide.
    if (decision.outcome === "allowed") this.#counts.allowed++;
    else this.#counts[decision.outcome]++;
    return decision;
  }

  // Whole µs since the limiter was made.
  #nowUs(): number {
    return Math.max(0, Math.round((this.#clock.now() - this.#originMs) * 1000));
  }

  // The key's row, a new one if need be; 0 when there is no room.
  #rowOf(key: StoredKey, nowUs: number): number {
    const row = this.#store.find(key);
    if (row !== undefined) return row;
    // A key that is remembered has been checked when it was new.
    checkKey(key);
    return this.#store.add(key, nowUs);
  }

  // The key's row, or the one that is always new.
  #rowOrNew(key: StoredKey): number {
    checkKey(key);
    const row = this.#store.find(key);
    if (row === undefined) for (const table of this.#tables) table.clear(0);
    return row ?? 0;
  }

  #rulesOf(row: number, nowUs: number, wanted?: Rule | readonly Rule[]): readonly Rule[] {
    return this.#ruleSets.of(row, this.#tables, nowUs, wanted);
  }

  #rows(): Rows {
    const tables = this.#tables;
    return {
      isFull: (row, nowUs) => {
        const rules = this.#ruleSets.under(row);
        return tables.every((table, i) => table.fullUs(row, rules[i]!) <= nowUs);
      },
      clear: (row) => {
        for (const table of tables) table.clear(row);
      },
      grow: (rows) => {
        for (const table of tables) table.grow(rows);
      },
    };
  }
}

// An idempotency key belongs to a key: two users may send the same one.
function identityOf(key: StoredKey, idempotencyKey: string): string {
  checkIdempotencyKey(idempotencyKey);
  return key === ALL ? `:${idempotencyKey}` : `${key.length}:${key}${idempotencyKey}`;
}

function reservationOf({ allowed, retryAfterMs }: Decision): Reservation {
  if (!allowed) return { allowed, retryAfterMs };
  return { allowed, waitMs: 0, lease: 0, cancel: () => {} };
}

function laterOf(a: Decision, b: Decision): Decision {
  return b.retryAfterMs > a.retryAfterMs ? b : a;
}

function scarcerOf(a: Decision, b: Decision): Decision {
  if (b.remaining !== a.remaining) return b.remaining < a.remaining ? b : a;
  return b.resetMs > a.resetMs ? b : a;
}
