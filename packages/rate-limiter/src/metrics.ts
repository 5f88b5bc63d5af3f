// The numbers of limiters and stores for Prometheus, read when it asks: a scrape costs one
// `stats()` for each family, the decisions in between nothing. The labels are closed sets: names
// that are given here, outcomes and codes. A key is never a label: whoever is limited makes keys as
// he likes, and would make series.
//
// What is shown is known by its `stats()` alone, and nothing here imports ioredis, not even a type:
// who keeps limits in memory need not install it. Left out: how long a decision in memory takes,
// which is less than looking at the clock before and after.
import {
  type Family,
  type HistogramSnapshot,
  type MetricRegistry,
  registerMetrics,
} from "@compendium/metrics";
import { OUTCOMES } from "./decision.ts";
import type { RateLimiterErrorCode } from "./errors.ts";
import type { RateLimiterStats, RedisRateLimiterStats, RedisStoreStats } from "./stats.ts";

export type { RateLimiterStats, RedisRateLimiterStats, RedisStoreStats } from "./stats.ts";

/** What has decisions to show. */
export interface Measurable<S> {
  /** Tells it from the others. */
  readonly name: string;
  /** Plain numbers; reading them changes nothing. */
  stats(): S;
}

/** A `RateLimiter` or a `RedisRateLimiter`. */
export type MeasurableLimiter = Measurable<RateLimiterStats> | Measurable<RedisRateLimiterStats>;

/** What decides for limiters, and has calls to show: a `RedisStore`. */
export interface MeasurableStore {
  /** Whether there is a connection to be asked on. */
  readonly isReady: boolean;
  /** Plain numbers; reading them changes nothing. */
  stats(): RedisStoreStats;
}

const CODES: readonly RateLimiterErrorCode[] = [
  "STORE_TIMEOUT",
  "STORE_LOST",
  "STORE_UNAVAILABLE",
  "STORE_ERROR",
  "STORE_CLOSED",
];

/**
 * Shows `limiters` in `registry`, in memory or in Redis, told apart by their names, until the
 * returned object is disposed. Takes 12 series for one in memory, 10 for one in Redis; a scrape
 * changes nothing, and a limiter may be in several registries.
 *
 * @throws TypeError when two limiters have one name, here or among those registered before
 * @throws RangeError when there are more than 1,111 of them, which is 10,000 series in one family
 */
export function registerRateLimiters(
  registry: MetricRegistry,
  limiters: Iterable<MeasurableLimiter>,
): Disposable {
  const all = new Map<string, MeasurableLimiter>();
  const inMemory = new Map<string, Measurable<RateLimiterStats>>();
  const inRedis = new Map<string, Measurable<RedisRateLimiterStats>>();
  for (const limiter of limiters) {
    const { name } = limiter;
    if (all.has(name)) throw new TypeError(`two rate limiters have the name "${name}"`);
    all.set(name, limiter);
    if (isInMemory(limiter)) inMemory.set(name, limiter);
    else inRedis.set(name, limiter);
  }
  return register(registry, [
    ofEachBy(all, "outcome", OUTCOMES, {
      name: "rate_limiter_decisions_total",
      type: "counter",
      help: "Decisions, by how they came about.",
      read: (limiter) => limiter.stats().decisions,
    }),
    ofEach(inMemory, {
      name: "rate_limiter_keys",
      type: "gauge",
      help: "Keys that are remembered in memory.",
      read: (limiter) => limiter.stats().keys,
    }),
    ofEach(inMemory, {
      name: "rate_limiter_keys_max",
      type: "gauge",
      help: "How many keys may be remembered in memory.",
      read: (limiter) => limiter.stats().keysMax,
    }),
    ofEach(inMemory, {
      name: "rate_limiter_keys_forgotten_total",
      type: "counter",
      help: "Keys that were full again, and have been forgotten.",
      read: (limiter) => limiter.stats().keysForgotten,
    }),
    ofEach(inRedis, {
      name: "rate_limiter_keys_blocked",
      type: "gauge",
      help: "Denied keys that are remembered here, and refused without asking the store.",
      read: (limiter) => limiter.stats().keysBlocked,
    }),
  ]);
}

/**
 * Shows `stores` in `registry`, told apart by the names that are their keys here, until the
 * returned object is disposed. Takes 25 series for each; a scrape changes nothing, and a store may
 * be in several registries.
 *
 * @throws TypeError when a name is taken by a store registered before
 * @throws RangeError when there are more than 2,500 of them, which is 10,000 series in one family
 */
export function registerRedisStores(
  registry: MetricRegistry,
  stores: Readonly<Record<string, MeasurableStore>>,
): Disposable {
  const all = new Map(Object.entries(stores));
  return register(registry, [
    ofEach(all, {
      name: "rate_limiter_store_ready",
      type: "gauge",
      help: "1 where there is a connection to the store, else 0.",
      read: (store) => Number(store.isReady),
    }),
    ofEach(all, {
      name: "rate_limiter_store_decisions_total",
      type: "counter",
      help: "Decisions that the store was wanted for.",
      read: (store) => store.stats().decisions,
    }),
    ofEachBy(all, "code", CODES, {
      name: "rate_limiter_store_failures_total",
      type: "counter",
      help: "Decisions that the store did not make, by the code of the error.",
      read: (store) => store.stats().failures,
    }),
    ofEach(all, {
      name: "rate_limiter_store_calls_total",
      type: "counter",
      help: "Calls that were sent; one carries all decisions of a turn and a slot.",
      read: (store) => store.stats().calls,
    }),
    ofEach(all, {
      name: "rate_limiter_store_calls_unanswered",
      type: "gauge",
      help: "Calls that are not answered yet.",
      read: (store) => store.stats().callsUnanswered,
    }),
    ofEach(all, {
      name: "rate_limiter_store_call_seconds",
      type: "histogram",
      help: "From sending a call to its answer, in time or late.",
      read: (store) => store.stats().callSeconds,
    }),
    ofEach(all, {
      name: "rate_limiter_store_script_loads_total",
      type: "counter",
      help: "Times that the script was sent because a server did not have it.",
      read: (store) => store.stats().scriptLoads,
    }),
  ]);
}

type Head = Pick<Family, "name" | "type" | "help">;

// One series for each object.
function ofEach<T>(
  objects: ReadonlyMap<string, T>,
  { read, ...head }: Head & { read(object: T): number | HistogramSnapshot },
): Family {
  return {
    ...head,
    labels: { name: [...objects.keys()] },
    collect: (emit) => {
      for (const [name, object] of objects) emit(read(object), { name });
    },
  };
}

// One series for each object and each value of a label.
function ofEachBy<T, V extends string>(
  objects: ReadonlyMap<string, T>,
  label: string,
  values: readonly V[],
  { read, ...head }: Head & { read(object: T): Readonly<Record<V, number>> },
): Family {
  return {
    ...head,
    labels: { name: [...objects.keys()], [label]: values },
    collect: (emit) => {
      for (const [name, object] of objects) {
        const numbers = read(object);
        for (const value of values) emit(numbers[value], { name, [label]: value });
      }
    },
  };
}

// No object, no series: and a label without values is no label.
function register(registry: MetricRegistry, families: readonly Family[]): Disposable {
  const shown = families.filter(({ labels = {} }) => Object.values(labels).every(hasValues));
  return registerMetrics(registry, shown);
}

const hasValues = ({ length }: readonly string[]): boolean => length > 0;

function isInMemory(limiter: MeasurableLimiter): limiter is Measurable<RateLimiterStats> {
  return "keys" in limiter.stats();
}
