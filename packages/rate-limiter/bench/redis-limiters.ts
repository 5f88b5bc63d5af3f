// The contestants' limiters in Redis, through ioredis all of them.
import { createHash } from "node:crypto";
import type { Rule } from "@compendium/rate-limiter";
import { RedisRateLimiter, RedisStore } from "@compendium/rate-limiter/redis";
import { Ratelimit } from "@upstash/ratelimit";
import type { Redis } from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";
import type { Server } from "../test/redis/server.ts";

/** Asks for one decision, and resolves, whatever it is. */
export type Ask = (key: string) => Promise<unknown>;

/** What they are to do. */
export interface Task {
  readonly rule: Rule;
  /** How many denied keys to remember without Redis; default 0. */
  readonly blocksMax?: number;
}

/** ioredis sends what is asked for in one turn as one pipeline, if told to; ours need not be. */
export const contestants: readonly string[] = [
  "ours",
  "rate-limiter-flexible, auto-pipelining",
  "rate-limiter-flexible",
  "@upstash/ratelimit, auto-pipelining",
];

/** A limiter with a connection of its own. */
export function makeAsk(name: string, server: Server, task: Task): Ask {
  const client = server.client({ enableAutoPipelining: name.endsWith(", auto-pipelining") });
  if (name.startsWith("rate-limiter-flexible")) return rateLimiterFlexible(client, task);
  if (name.startsWith("@upstash/ratelimit")) return upstash(client, task);
  if (name === "ours") return ours(client, task);
  throw new TypeError(`no contestant has the name ${name}`);
}

function ours(client: Redis, { rule, blocksMax = 0 }: Task): Ask {
  const store = new RedisStore(client, { timeoutMs: 10_000 });
  const limiter = new RedisRateLimiter(rule, { store, blockCacheKeysMax: blocksMax });
  return async (key) => {
    const { outcome } = await limiter.take(key);
    if (outcome !== "allowed" && outcome !== "denied" && outcome !== "blocked") {
      throw new Error(`the store did not answer: ${outcome}`);
    }
  };
}

function rateLimiterFlexible(client: Redis, { rule, blocksMax = 0 }: Task): Ask {
  const limiter = new RateLimiterRedis({
    storeClient: client,
    points: rule.capacity,
    duration: rule.windowMs / 1000,
    // The first consumption beyond the limit.
    ...(blocksMax > 0 && { inMemoryBlockOnConsumed: rule.capacity + 1 }),
  });
  return (key) =>
    limiter.consume(key).catch((reason) => {
      if (reason instanceof Error) throw reason;
    });
}

// Made for Upstash's server, over HTTP. Of its client it asks for no more than these two; and its
// scripts begin with a flag that Redis refuses, so here they run without.
function upstash(client: Redis, { rule }: Task): Ask {
  const known = new Map<string, string>();
  const redis = {
    evalsha: async (theirs: string, keys: string[], args: unknown[]) => {
      const sha1 = known.get(theirs);
      if (sha1 === undefined) throw new Error("NOSCRIPT");
      return client.evalsha(sha1, keys.length, ...keys, ...args.map(String));
    },
    eval: async (theirs: string, keys: string[], args: unknown[]) => {
      const script = theirs.replace(/^#!lua flags=allow-key-locking/, "");
      known.set(sha1Of(theirs), sha1Of(script));
      return client.eval(script, keys.length, ...keys, ...args.map(String));
    },
  };
  const limit =
    rule.algorithm === "token-bucket"
      ? Ratelimit.tokenBucket(rule.limit, `${rule.windowMs} ms`, rule.capacity)
      : Ratelimit.fixedWindow(rule.limit, `${rule.windowMs} ms`);
  const limiter = new Ratelimit({
    redis: redis as unknown as ConstructorParameters<typeof Ratelimit>[0]["redis"],
    limiter: limit,
    ephemeralCache: false,
  });
  return (key) => limiter.limit(key);
}

function sha1Of(script: string): string {
  return createHash("sha1").update(script).digest("hex");
}
