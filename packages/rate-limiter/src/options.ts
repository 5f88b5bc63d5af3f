// What a limiter in memory can be told, once and with each request. The rules themselves are made
// in the files of the algorithms.
import type { Clock } from "@compendium/runtime";
import type { Rule } from "./rule.ts";

/** Options of a limiter in memory. */
export interface RateLimiterOptions {
  /** Names the limiter in metrics and errors. Default `"rate-limiter"`. */
  name?: string;
  /**
   * How many keys are remembered at once. A whole number from 1 to 16,777,215; default 1,000,000. A
   * key that is full again is forgotten, any other never.
   */
  keysMax?: number;
  /** What to say to a new key when there is no room for it. Default `"deny"`. */
  onKeysMax?: "deny" | "allow";
  /** For how long an idempotency key is remembered, in ms. From 1; default 60,000. */
  idempotencyMs?: number;
  /** How many idempotency keys are remembered at once; default 100,000. */
  idempotencyKeysMax?: number;
  /** Default: the process's monotonic clock. */
  clock?: Clock;
}

/** Rules that a single request brings along. */
export interface PlanOptions {
  /**
   * Rules for this key instead of the limiter's: a customer's plan. Of the same algorithms in the
   * same order. Make each once and pass the same object again.
   */
  rules?: Rule | readonly Rule[];
}

/** What a single request may ask for. */
export interface TakeOptions extends PlanOptions {
  /**
   * A request with the same key and this identity, seen before and allowed, is not charged again.
   */
  idempotencyKey?: string;
  /**
   * The furthest turn in a leaky bucket's queue that is of use, in whole ms from 0. A request whose
   * turn is further away is denied, and nothing is charged. Default: any turn is.
   */
  delayMsMax?: number;
}

/** How to wait for a turn. */
export interface AcquireOptions extends PlanOptions {
  /** The longest wait, in ms. Up to the rule's `reserveMsMax`, which is the default. */
  waitMsMax?: number;
  /** Ends the wait; the place is given back, and the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}
