// The shape that all algorithms share. A *rule* is what a limit says: so much in such a time; it is
// made once, checked, and never changes. A *table* is what an algorithm remembers, a row for a key,
// in columns of numbers: no object for a key, nothing for the garbage collector to walk.
//
// A decision is four verbs on a row. `settle` lets the time pass; `waitUs` asks, and changes
// nothing; `charge` takes. Between the two last, the limiter can ask other tables about the same
// request, and charge all of them or none. `refund` gives back.
//
// All time is whole microseconds on any axis that does not go back (if it does, `settle` mends the
// row), so that a limit of 3 per second is not 2.9999 after a million seconds.

/** The algorithms, by their names. */
export type AlgorithmName =
  | "token-bucket"
  | "gcra"
  | "fixed-window"
  | "sliding-window-log"
  | "sliding-window-counter"
  | "conservative-sliding-counter"
  | "leaky-bucket-queue"
  | "concurrency-limit";

/** What a limit says. Immutable; share one between limiters as you like. */
export interface Rule {
  /** By which the limit is kept. */
  readonly algorithm: AlgorithmName;
  /** Tells rules of one limiter apart, in metrics and in response fields. */
  readonly name: string;
  /** Cost per window. A whole number from 1. */
  readonly limit: number;
  /** The window, in ms. */
  readonly windowMs: number;
  /** The most that can be taken at once; a request that costs more never fits. */
  readonly capacity: number;
  /** How far ahead of time `reserve` may take, in ms. */
  readonly reserveMsMax: number;
  /** The same rule with a share of its limit, at least 1: what one of several processes gets. */
  scaled(share: number): Rule;
  /** Makes room for this many keys. */
  table(rows: number): Table;
}

/** What an algorithm remembers. Rows are whole numbers from 0; a new row is all zeros, and full. */
export interface Table {
  /** Lets time pass on a row: everything below expects a row settled at the same `nowUs`. */
  settle(row: number, rule: Rule, nowUs: number): void;
  /** In how many µs `cost` fits: 0 now, Infinity never. Changes nothing. */
  waitUs(row: number, rule: Rule, nowUs: number, cost: number): number;
  /**
   * Takes `cost`, now or, where it does not fit yet, as soon as it will. Returns the identity of
   * the lease, or 0 where there is none.
   */
  charge(row: number, rule: Rule, nowUs: number, cost: number): number;
  /**
   * Gives back up to `cost` of what is taken, the newest first. Turns in a queue and places under a
   * concurrency limit are not given back by number.
   */
  refund(row: number, rule: Rule, nowUs: number, cost: number): void;
  /** The most that fits now. */
  remaining(row: number, rule: Rule, nowUs: number): number;
  /** When the row will be as if it were new. */
  fullUs(row: number, rule: Rule): number;
  /** Turns a row settled under one rule into one under another of the same algorithm. */
  convert(row: number, from: Rule, to: Rule, nowUs: number): void;
  /** Makes `to` a row like `from`. */
  copy(from: number, to: number): void;
  /** Makes a row new again. */
  clear(row: number): void;
  /** Makes room for more rows. */
  grow(rows: number): void;
}
