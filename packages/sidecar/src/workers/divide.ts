// The configuration of one worker among several. Each of them runs all of the document; only what
// limits the whole is divided, so that together they grant what the document says:
//
//     whole 10 among 4 workers     3  3  2  2      the first take what is left over
//     whole 2 among 4 workers      1  1  1  1      nobody can work with nothing
//     whole 0, or no limit         as it is        a limit of 0 is a decision
//
// So the sum is the whole, or one for each worker where the whole is less than that. The kernel
// spreads connections by a hash of their addresses, so shares that are nearly equal are what fits.
//
// A rate is divided by time: a bucket gets the same tokens in as many times the interval, which is
// exact. A retry budget is a percentage and needs no share; the retries that are always allowed are
// rounded upwards, or a quiet worker could never retry at all.
//
// What belongs to one connection, one stream, or one host stays as it is, and so do health checks
// and outlier detection: each worker looks for itself.
import { TokenBucket } from "@compendium/rate-limiter";
import type { ClusterConfig, Thresholds } from "../config/cluster-config.ts";
import { SidecarConfigError } from "../config/config-error.ts";
import type { HttpFilterConfig, LocalRateLimitConfig } from "../config/filter-config.ts";
import type {
  FilterChainConfig,
  HttpConfig,
  ListenerConfig,
  TcpConfig,
} from "../config/listener-config.ts";
import type { FilterOverrides } from "../config/route-config.ts";
import type { Snapshot } from "../config/snapshot.ts";

/** Which worker, of how many. */
export interface Share {
  /** From 0, below `workers`. */
  readonly index: number;
  /** At least 1. */
  readonly workers: number;
}

/**
 * The part of a configuration that one worker runs. Pure: the same part for the same share. O(size
 * of the configuration).
 *
 * @throws RangeError when there is no such worker
 * @throws SidecarConfigError when a rate is too slow to be counted exactly once it is divided
 */
export function divide(snapshot: Snapshot, share: Share): Snapshot {
  const { index, workers } = share;
  if (!(Number.isInteger(workers) && Number.isInteger(index) && index >= 0 && index < workers)) {
    throw new RangeError(`there is no worker ${index} of ${workers}`);
  }
  if (workers === 1) return snapshot;
  const divider = new Divider(share);
  return {
    ...snapshot,
    listeners: mapValues(snapshot.listeners, (listener) => divider.listener(listener)),
    clusters: mapValues(snapshot.clusters, (cluster) => divider.cluster(cluster)),
  };
}

/** One worker's part of a limit: the parts add up to it, or to one for each worker. */
export function partOf(whole: number, { index, workers }: Share): number {
  if (whole === 0 || !Number.isFinite(whole)) return whole;
  const part = Math.floor(whole / workers) + (index < whole % workers ? 1 : 0);
  return Math.max(1, part);
}

class Divider {
  readonly #share: Share;
  // One place of the document is one object, and has one filter, however many routes inherit it:
  // its part must be one object as well, or each of them would have a limit of its own.
  readonly #filters = new Map<HttpFilterConfig, HttpFilterConfig>();
  readonly #overrides = new Map<FilterOverrides, FilterOverrides>();

  constructor(share: Share) {
    this.#share = share;
  }

  listener(listener: ListenerConfig): ListenerConfig {
    return {
      ...listener,
      connectionsMax: this.#part(listener.connectionsMax),
      filterChains: listener.filterChains.map((chain) => this.#chain(chain)),
    };
  }

  cluster(cluster: ClusterConfig): ClusterConfig {
    const { breakers } = cluster;
    return {
      ...cluster,
      breakers: {
        default: this.#thresholds(breakers.default),
        high: this.#thresholds(breakers.high),
      },
    };
  }

  #chain(chain: FilterChainConfig): FilterChainConfig {
    const { connectionsMax } = chain;
    return {
      ...chain,
      connectionsMax: connectionsMax === undefined ? undefined : this.#part(connectionsMax),
      filter: this.#manager(chain.filter),
    };
  }

  #manager(manager: HttpConfig | TcpConfig): HttpConfig | TcpConfig {
    if (manager.kind === "tcp") return manager;
    return {
      ...manager,
      filters: manager.filters.map((filter) => this.#filter(filter)),
      virtualHosts: manager.virtualHosts.map((host) => ({
        ...host,
        routes: host.routes.map((route) => ({
          ...route,
          filters: this.#overridesOf(route.filters),
        })),
      })),
    };
  }

  #overridesOf(overrides: FilterOverrides): FilterOverrides {
    const known = this.#overrides.get(overrides);
    if (known !== undefined) return known;
    const made = mapValues(overrides, (filter) => filter && this.#filter(filter));
    this.#overrides.set(overrides, made);
    return made;
  }

  #filter(filter: HttpFilterConfig): HttpFilterConfig {
    const known = this.#filters.get(filter);
    if (known !== undefined) return known;
    const made = this.#dividedFilter(filter);
    this.#filters.set(filter, made);
    return made;
  }

  #dividedFilter(filter: HttpFilterConfig): HttpFilterConfig {
    switch (filter.kind) {
      case "local-ratelimit":
        return this.#rateLimit(filter);
      case "fault":
        return { ...filter, activeMax: this.#part(filter.activeMax) };
      case "adaptive-concurrency": {
        const limitMin = this.#part(filter.limitMin);
        return { ...filter, limitMin, limitMax: this.#part(filter.limitMax) };
      }
      case "rbac":
      case "cors":
      case "buffer":
      case "compressor":
        return filter;
    }
  }

  #rateLimit(filter: LocalRateLimitConfig): LocalRateLimitConfig {
    const { workers } = this.#share;
    const tokensMax = this.#part(filter.tokensMax);
    const { tokensPerFill: limit, fillIntervalMs: wholeMs } = filter;
    const fillIntervalMs = wholeMs * workers;
    try {
      new TokenBucket({ burst: tokensMax, limit, windowMs: Math.round(fillIntervalMs) });
    } catch (error) {
      const message = `cannot be divided among ${workers} workers: ${(error as Error).message}`;
      const next = "choose smaller numbers, or fewer workers";
      throw new SidecarConfigError([{ path: `filter ${filter.name}`, message, next }]);
    }
    return { ...filter, tokensMax, fillIntervalMs };
  }

  #thresholds(whole: Thresholds): Thresholds {
    const { retryBudget } = whole;
    return {
      connectionsMax: this.#part(whole.connectionsMax),
      pendingMax: this.#part(whole.pendingMax),
      requestsMax: this.#part(whole.requestsMax),
      retriesMax: this.#part(whole.retriesMax),
      retryBudget: retryBudget && {
        percent: retryBudget.percent,
        retriesMin: Math.ceil(retryBudget.retriesMin / this.#share.workers),
      },
    };
  }

  #part(whole: number): number {
    return partOf(whole, this.#share);
  }
}

function mapValues<K, V>(map: ReadonlyMap<K, V>, change: (value: V) => V): Map<K, V> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}
