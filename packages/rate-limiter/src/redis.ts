export { RateLimiterError, type RateLimiterErrorCode } from "./errors.ts";
export {
  type OnStoreFailure,
  type RedisPart,
  RedisRateLimiter,
  type RedisRateLimiterOptions,
  type RedisRateLimiterStats,
} from "./redis-rate-limiter.ts";
export { RedisStore, type RedisStoreOptions, type RedisStoreStats } from "./stores/redis.ts";
