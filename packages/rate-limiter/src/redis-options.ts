// Every knob of a limiter in Redis. Those of the connection are the store's (stores/redis.ts).
import type { Clock } from "@compendium/runtime";
import type { RateLimiterError } from "./errors.ts";
import type { OnStoreFailure } from "./store-failure.ts";
import type { RedisStore } from "./stores/redis.ts";

/** Options of {@link RedisRateLimiter}. */
export interface RedisRateLimiterOptions {
  /** Where the limit is kept. */
  store: RedisStore;
  /**
   * Names the limiter in keys, metrics and errors: limiters with one name, prefix and server are
   * one limiter. Up to 64 ASCII letters, digits and `._-`; default `"rate-limiter"`.
   */
  name?: string;
  /** What to say when the store does not answer. Default `"open"`. */
  onStoreFailure?: OnStoreFailure;
  /** Is told of every failure of the store, for a log. Must not throw. */
  onStoreError?: (error: RateLimiterError) => void;
  /**
   * How many denied keys are remembered here, and refused without asking the store. From 0; default
   * 0: none.
   */
  blockCacheKeysMax?: number;
  /** For how long an idempotency key is remembered, in ms. From 1; default 60,000. */
  idempotencyMs?: number;
  /**
   * What of a key decides on the slot of a cluster, `undefined` being the one limit of all. Keys
   * that are decided together must have the same; default: the key itself.
   */
  partition?: (key: string | undefined) => string;
  /** Default: the process's monotonic clock. It times waits and blocks, never the limit. */
  clock?: Clock;
}
