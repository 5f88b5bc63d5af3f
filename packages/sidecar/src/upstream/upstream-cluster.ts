// A cluster at work: the hosts and who chooses among them, pools for each that was chosen, and the
// upkeep that knows who is there and who is well.
//
// A host has a pool for each protocol, and for each priority of routes: high priority has breakers
// of its own, and would gain nothing by them if it waited in one queue with all the others.
//
// A host that leaves, is ejected or fails its health check has its connections drained (Envoy's
// "Connection pooling", "Health checking interactions"): requests on them end, nobody is moved.
import { isDeepStrictEqual } from "node:util";
import type { Clock, Random } from "@compendium/runtime";
import type { ChooseContext } from "../balance/balancer.ts";
import type { Breakers } from "../cluster/breakers.ts";
import { Cluster } from "../cluster/cluster.ts";
import type { Host } from "../cluster/host.ts";
import type { ClientCodec, Protocol } from "../codec/codec.ts";
import type { ClusterConfig } from "../config/cluster-config.ts";
import type { Resolver } from "../discovery/resolver.ts";
import { type CallNumbers, noCalls } from "../router/upstream-call.ts";
import { ClusterUpkeep, type UpkeepNumbers } from "./cluster-upkeep.ts";
import type { Connector } from "./connect.ts";
import { ConnectionPool, type PoolStats } from "./connection-pool.ts";

/** What a cluster is made of. */
export interface UpstreamClusterOptions {
  readonly config: ClusterConfig;
  readonly codec: ClientCodec;
  readonly connector: Connector;
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly random: Random;
  /** It was drained, and its last connection has closed. */
  readonly onDrained?: () => void;
}

/** A priority of routes, by which breakers and pools are kept apart. */
export type RoutePriority = keyof Cluster["breakers"];

/** A host that was chosen, and the way to it. */
export interface Destination {
  readonly host: Host;
  readonly pool: ConnectionPool;
  readonly cluster: Cluster;
  /** Of the route's priority. */
  readonly breakers: Breakers;
}

interface NamedPool {
  readonly name: string;
  readonly pool: ConnectionPool;
}

/** One cluster, as requests see it. */
export class UpstreamCluster {
  readonly cluster: Cluster;
  /** Counts of retries and the like, to be read. */
  readonly calls: CallNumbers = noCalls();
  readonly #options: UpstreamClusterOptions;
  readonly #upkeep: ClusterUpkeep;
  // By host, then by protocol and priority: see slotOf.
  readonly #pools = new Map<Host, (NamedPool | undefined)[]>();
  // Of hosts that have left; each is here until what is under way in it has ended.
  readonly #leaving = new Set<ConnectionPool>();
  #config: ClusterConfig;
  #isDraining = false;

  constructor(options: UpstreamClusterOptions) {
    this.#options = options;
    this.#config = options.config;
    const { config, codec, connector, resolver, clock, random } = options;
    const onUnwell = (host: Host): void => this.#drainConnections(host);
    this.cluster = new Cluster({ config, clock, random, onUnwell });
    this.#upkeep = new ClusterUpkeep({
      cluster: this.cluster,
      codec,
      connector,
      resolver,
      clock,
      random,
      onLeft: (host) => this.#removePools(host),
    });
  }

  /** As it is in force. */
  get config(): ClusterConfig {
    return this.#config;
  }

  /** Opens sockets to its hosts. */
  get connector(): Connector {
    return this.#options.connector;
  }

  /** Begins to look names up, to ask hosts how they are, and to sweep. */
  start(): void {
    this.#upkeep.start();
  }

  /** Whether every name was looked up, and every host was asked how it is, at least once. */
  get isWarm(): boolean {
    return this.#upkeep.isWarm;
  }

  /** Settles when it is warm, or has been stopped. */
  whenWarm(): Promise<void> {
    return this.#upkeep.whenWarm();
  }

  /** Whether this configuration differs in no more than the endpoints: {@link update} takes it. */
  accepts(config: ClusterConfig): boolean {
    if (config.discovery !== "static") return isDeepStrictEqual(config, this.#config);
    return isDeepStrictEqual({ ...config, endpoints: [] }, { ...this.#config, endpoints: [] });
  }

  /**
   * Lets the endpoints to come join those that are here, so that nobody leaves before their
   * successors were asked how they are. {@link update} or {@link abandon} follows.
   *
   * @returns whether there is something to wait for
   */
  prepare({ endpoints, healthChecks }: ClusterConfig): boolean {
    const { endpoints: present } = this.#config;
    if (healthChecks.length === 0 || isDeepStrictEqual(endpoints, present)) return false;
    this.#upkeep.update([...endpoints, ...present]);
    return !this.isWarm;
  }

  /** What was prepared will not come: those that have joined for it leave. */
  abandon(): void {
    const { endpoints, discovery, healthChecks } = this.#config;
    if (discovery === "static" && healthChecks.length > 0) this.#upkeep.update(endpoints);
  }

  /** Takes over a configuration that it {@link accepts}. */
  update(config: ClusterConfig): void {
    const { endpoints } = this.#config;
    this.#config = config;
    if (!isDeepStrictEqual(config.endpoints, endpoints)) this.#upkeep.update(config.endpoints);
  }

  /**
   * A host for this request, `undefined` when there is none.
   *
   * @param priority of the route
   */
  choose(
    context: ChooseContext,
    downstream: Protocol,
    priority: RoutePriority = "default",
  ): Destination | undefined {
    const { cluster } = this;
    const host = cluster.choose(context);
    if (host === undefined) return undefined;
    const pool = this.#poolOf(host, this.#protocolFor(downstream), priority);
    return { host, pool, cluster, breakers: cluster.breakers[priority] };
  }

  /** The host has said in an answer that it is not well (`x-envoy-immediate-health-check-fail`). */
  failHealth(host: Host): void {
    this.#upkeep.failHealth(host);
  }

  /** Takes no more requests, and keeps nothing up; those under way end. */
  drain(): void {
    this.#isDraining = true;
    this.#upkeep[Symbol.dispose]();
    for (const pool of this.#allPools()) pool.drain();
    this.#checkDrained();
  }

  /** Ends everything now. */
  destroy(): void {
    this.#upkeep[Symbol.dispose]();
    for (const pool of this.#allPools()) pool.destroy();
    this.#pools.clear();
    this.#leaving.clear();
  }

  /** Of each pool, by priority, protocol and address. */
  stats(): ReadonlyMap<string, PoolStats> {
    const stats = new Map<string, PoolStats>();
    for (const pools of this.#pools.values()) {
      for (const named of pools) if (named) stats.set(named.name, named.pool.stats());
    }
    return stats;
  }

  /** Of discovery and health checks. */
  get numbers(): UpkeepNumbers {
    return this.#upkeep.numbers;
  }

  #protocolFor(downstream: Protocol): Protocol {
    const { protocol } = this.#config;
    if (protocol === "downstream") return downstream === "h2" ? "h2" : "http/1.1";
    return protocol === "http2" ? "h2" : "http/1.1";
  }

  #poolOf(host: Host, protocol: Protocol, priority: RoutePriority): ConnectionPool {
    const slot = slotOf(protocol, priority);
    const pools = this.#pools.get(host) ?? [];
    const known = pools[slot];
    if (known !== undefined) return known.pool;
    if (pools.length === 0) this.#pools.set(host, pools);
    const pool = this.#makePool(host, protocol, priority);
    const name = `${protocol} ${host.address}`;
    pools[slot] = { name: priority === "high" ? `high ${name}` : name, pool };
    // A request that has found this cluster before it was replaced.
    if (this.#isDraining) pool.drain();
    return pool;
  }

  #makePool(host: Host, protocol: Protocol, priority: RoutePriority): ConnectionPool {
    const { cluster } = this;
    const { codec, connector, clock } = this.#options;
    const pool = new ConnectionPool({
      host,
      config: this.#config,
      breakers: cluster.breakers[priority],
      protocol,
      codec,
      connector,
      clock,
      onGiven: () => cluster.connected(host),
      onDrained: () => {
        this.#leaving.delete(pool);
        this.#checkDrained();
      },
    });
    return pool;
  }

  #removePools(host: Host): void {
    const pools = this.#pools.get(host) ?? [];
    this.#pools.delete(host);
    for (const named of pools) {
      if (named === undefined) continue;
      this.#leaving.add(named.pool);
      named.pool.drain();
    }
  }

  #drainConnections(host: Host): void {
    for (const named of this.#pools.get(host) ?? []) named?.pool.drainConnections();
  }

  *#allPools(): Iterable<ConnectionPool> {
    yield* [...this.#leaving];
    for (const pools of this.#pools.values())
      for (const named of pools) if (named) yield named.pool;
  }

  #checkDrained(): void {
    if (!this.#isDraining) return;
    for (const pool of this.#allPools()) if (!pool.isEmpty) return;
    this.#options.onDrained?.();
  }
}

function slotOf(protocol: Protocol, priority: RoutePriority): number {
  return (protocol === "h2" ? 1 : 0) + (priority === "high" ? 2 : 0);
}
