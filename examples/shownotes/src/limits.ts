// How much of the edge one caller may have, and the one place where it is decided who keeps the
// count: this process, which is exact while there is one edge; or Redis, for several that share a
// limit. Three edges that count for themselves let three times the limit through.
//
//     workspace   token bucket           every request of a workspace: steady, with a burst
//     sign-in     sliding-window log     per address: each one sends a mail to somebody
//     invite      conservative counter   per workspace: likewise, to strangers
//
// A mail cannot be taken back, so what bounds them is never over in any window. The log is exact,
// and remembers each mail; the counter remembers eleven counts, and lets through a little less.
import {
  conservativeSlidingCounter,
  RateLimiter,
  type Rule,
  slidingWindowLog,
  tokenBucket,
} from "@compendium/rate-limiter";
import type { Limiter as ServedLimiter } from "@compendium/rate-limiter/http";
import {
  type MeasurableLimiter,
  registerRateLimiters,
  registerRedisStores,
} from "@compendium/rate-limiter/metrics";
import { type Clock, systemClock } from "@compendium/runtime";
import type { Registry } from "prom-client";
import { x3Scenario } from "./x3-scenario.ts";

const MINUTE_MS = 60_000;
// Addresses and workspaces cost nothing to invent. Beyond these a new one is refused: a limit that
// anybody can lift by inventing names is none.
const KEYS_MAX = 50_000;
// As many as docker-compose.yml runs.
const EDGES = 3;
// A pause of a busy machine should not look like a Redis that is gone: what an edge decides without
// it comes on top. Only the first to notice wait for so long; a silent Redis is not asked.
const REDIS_MS_MAX = 250;

/** A limiter, wherever it counts. */
export type Limiter = ServedLimiter & MeasurableLimiter;

/** The edge's limits. */
export interface Limits extends AsyncDisposable {
  readonly workspace: Limiter;
  readonly signIn: Limiter;
  readonly invite: Limiter;
  /** Shows their numbers. */
  register(registry: Registry): void;
}

const rules = {
  workspace: tokenBucket({ name: "workspace", ...x3Scenario.workspaceLimit }),
  signIn: slidingWindowLog({ name: "sign-in", limit: 5, windowMs: 15 * MINUTE_MS }),
  invite: conservativeSlidingCounter({ name: "invite", limit: 50, windowMs: 60 * MINUTE_MS }),
};

/** Limits that this process counts for itself. */
export function limitsInMemory(clock: Clock = systemClock): Limits {
  const limiter = (rule: Rule) =>
    new RateLimiter(rule, { name: rule.name, keysMax: KEYS_MAX, clock });
  const all = limitsOf(limiter);
  return {
    ...all,
    register: (registry) => void registerRateLimiters(registry, Object.values(all)),
    [Symbol.asyncDispose]: async () => {},
  };
}

/**
 * Limits that this process counts for itself or, given its address, Redis for all edges. `say` is
 * told when Redis does not answer, and at most once a second.
 */
export async function createLimits(
  redisUrl: URL | undefined,
  say: (line: string) => void = console.error,
): Promise<Limits> {
  if (redisUrl === undefined) return limitsInMemory();
  // Imported on demand: an edge that counts for itself need not hold a Redis client in memory.
  const [{ Redis }, { RedisRateLimiter, RedisStore }] = await Promise.all([
    import("ioredis"),
    import("@compendium/rate-limiter/redis"),
  ]);
  const store = new RedisStore(new Redis(redisUrl.href, { lazyConnect: true }), {
    prefix: "shownotes",
    timeoutMs: REDIS_MS_MAX,
  });
  const onStoreError = sayNowAndThen(say);
  const limiter = (rule: Rule) =>
    new RedisRateLimiter(rule, {
      store,
      name: rule.name,
      // Without Redis, each edge has its part of the limit: together they let through no more than
      // the whole, on top of what Redis had let through before it went.
      onStoreFailure: { localShare: 1 / EDGES },
      onStoreError,
      // Who is known to be over the limit is refused without asking: a flood of refusals would
      // else be a flood at Redis.
      blockCacheKeysMax: KEYS_MAX,
    });
  const all = limitsOf(limiter);
  // Connected, and with the script in place, before the first who asks has to wait for it.
  await all.workspace.peek();
  return {
    ...all,
    register: (registry) => {
      registerRateLimiters(registry, Object.values(all));
      registerRedisStores(registry, { redis: store });
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function limitsOf<L extends Limiter>(limiter: (rule: Rule) => L): Record<keyof typeof rules, L> {
  return {
    workspace: limiter(rules.workspace),
    signIn: limiter(rules.signIn),
    invite: limiter(rules.invite),
  };
}

function sayNowAndThen(say: (line: string) => void): (error: Error) => void {
  let quietUntil = 0;
  return (error) => {
    const now = performance.now();
    if (now < quietUntil) return;
    quietUntil = now + 1_000;
    say(`limits: ${error.message}; each edge keeps its part of them`);
  };
}
