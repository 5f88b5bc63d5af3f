// A limit of a whole fleet, in Redis: `/redis` is the only door behind which ioredis stands.
export { RateLimiterError, type RateLimiterErrorCode } from "./errors.ts";
export type { RedisRateLimiterOptions } from "./redis-options.ts";
export {
  type RedisPart,
  RedisRateLimiter,
} from "./redis-rate-limiter.ts";
export type { RedisRateLimiterStats, RedisStoreStats } from "./stats.ts";
export type { OnStoreFailure } from "./store-failure.ts";
export { RedisStore, type RedisStoreOptions } from "./stores/redis.ts";
