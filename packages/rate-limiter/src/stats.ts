// What limiters and stores count. Types of their own file, without a word of ioredis: who keeps
// limits in memory reads them without installing it.
import type { HistogramSnapshot } from "@compendium/metrics";
import type { Outcome } from "./decision.ts";
import type { RateLimiterErrorCode } from "./errors.ts";

/** What a limiter in memory has counted. */
export interface RateLimiterStats {
  /** The limiter's. */
  readonly name: string;
  /** Decisions, by how they came about. */
  readonly decisions: Readonly<Record<Outcome, number>>;
  /** Keys that are remembered. */
  readonly keys: number;
  /** How many may be. */
  readonly keysMax: number;
  /** Keys that have been forgotten, full as they were. */
  readonly keysForgotten: number;
}

/** What a limiter in Redis has counted, in this process. */
export interface RedisRateLimiterStats {
  /** The limiter's. */
  readonly name: string;
  /** Decisions, by how they came about. */
  readonly decisions: Readonly<Record<Outcome, number>>;
  /** Denied keys that are remembered here. */
  readonly keysBlocked: number;
}

/** What a store has counted. */
export interface RedisStoreStats {
  /** EVALSHAs that were sent. */
  readonly calls: number;
  /** Decisions that were asked for. */
  readonly decisions: number;
  /** Calls that are not answered yet. */
  readonly callsUnanswered: number;
  /** Times that the script was loaded. */
  readonly scriptLoads: number;
  /** Decisions that failed, by the code of the error. */
  readonly failures: Readonly<Record<RateLimiterErrorCode, number>>;
  /** From sending to the answer, in seconds. */
  readonly callSeconds: HistogramSnapshot;
}
