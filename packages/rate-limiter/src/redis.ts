export { RateLimiterError, type RateLimiterErrorCode } from "./errors.ts";
export {
  type OnStoreFailure,
  type RedisPart,
  RedisRateLimiter,
  type RedisRateLimiterOptions,
} from "./redis-rate-limiter.ts";
export type { RedisRateLimiterStats, RedisStoreStats } from "./stats.ts";
export { RedisStore, type RedisStoreOptions } from "./stores/redis.ts";
