// Registers every family on live objects: the guard of the README's metrics table looks here.
import type { MetricRegistry } from "@compendium/metrics";
import { RateLimiter, tokenBucket } from "@compendium/rate-limiter";
import { registerRateLimiters, registerRedisStores } from "@compendium/rate-limiter/metrics";
import { RedisRateLimiter, RedisStore } from "@compendium/rate-limiter/redis";
import { Redis } from "ioredis";

export async function registerExample(registry: MetricRegistry): Promise<void> {
  // Lazy, and never asked: no connection is opened.
  await using store = new RedisStore(new Redis({ lazyConnect: true }));
  const rule = tokenBucket({ limit: 100, windowMs: 60_000, burst: 20 });
  const perWorkspace = new RateLimiter(rule, { name: "workspace" });
  const perFleet = new RedisRateLimiter(rule, { name: "fleet", store });
  registerRateLimiters(registry, [perWorkspace, perFleet]);
  registerRedisStores(registry, { redis: store });
}
