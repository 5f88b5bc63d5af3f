// What a limiter answers. A refusal is an expected outcome, and so a value; see DESIGN.md.
import type { Rule } from "./rule.ts";

/** How a decision came about; a closed set, fit for a metric's label. */
export type Outcome =
  /** Within the limit; it has been charged. */
  | "allowed"
  /** Over the limit; nothing has been charged. */
  | "denied"
  /** Costs more than the limit ever holds; waiting does not help. */
  | "too-costly"
  /** As many keys as may be are remembered, and none of them can be forgotten. */
  | "keys-max"
  /** Denied by the local memory of what the store has denied; the store was not asked. */
  | "blocked"
  /** The store did not answer in time, and the policy is to let through. */
  | "store-open"
  /** The store did not answer in time, and the policy is to deny. */
  | "store-closed"
  /** The store did not answer in time, and this process's own share of the limit allows it. */
  | "store-local-allowed"
  /** The store did not answer in time, and this process's own share of the limit denies it. */
  | "store-local-denied";

/** Every {@link Outcome}, in the order of its declaration. */
export const OUTCOMES: readonly Outcome[] = [
  "allowed",
  "denied",
  "too-costly",
  "keys-max",
  "blocked",
  "store-open",
  "store-closed",
  "store-local-allowed",
  "store-local-denied",
];

/** A limiter's answer. With several rules, the numbers are those of the one that binds most. */
export interface Decision {
  /** Whether to go on. */
  readonly allowed: boolean;
  /** How it came about. */
  readonly outcome: Outcome;
  /**
   * The rule that binds: the longest to wait for or, if all allow, the one with least remaining.
   */
  readonly rule: Rule;
  /** Cost that would be allowed now, after this decision. A whole number from 0. */
  readonly remaining: number;
  /**
   * Whole ms after which the same request is allowed, if nobody comes in between: never too few,
   * never one too many. 0 when allowed, Infinity when too costly or not known.
   */
  readonly retryAfterMs: number;
  /** Allowed, but only after so many ms: the place in a leaky bucket's queue. Else 0. */
  readonly delayMs: number;
  /**
   * Whole ms after which `rule` has forgotten the key, if nobody comes in between; not one too
   * many.
   */
  readonly resetMs: number;
  /** What to give to `release`, where the rule is a concurrency limit; else 0. */
  readonly lease: number;
}

/** A place taken now for later. */
export type Reservation =
  | {
      readonly allowed: true;
      /** To wait before going on, in ms and fractions, to the µs; 0: go. */
      readonly waitMs: number;
      /** As in {@link Decision}. */
      readonly lease: number;
      /** Gives the place back; only the first call counts. Who waits behind it does not move up. */
      cancel(): void;
    }
  | {
      readonly allowed: false;
      /** As in {@link Decision}. */
      readonly retryAfterMs: number;
    };
