// A cluster at work: the hosts and who chooses among them, and a pool for each that was chosen.
import type { ChooseContext } from "../balance/balancer.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Host } from "../cluster/host.ts";
import type { ClientCodec, Protocol } from "../codec/codec.ts";
import type { Connector } from "./connect.ts";
import { ConnectionPool, type PoolStats } from "./connection-pool.ts";

/** What a cluster is made of. */
export interface UpstreamClusterOptions {
  readonly cluster: Cluster;
  readonly codec: ClientCodec;
  readonly connector: Connector;
}

/** A host that was chosen, and the way to it. */
export interface Destination {
  readonly host: Host;
  readonly pool: ConnectionPool;
  readonly cluster: Cluster;
}

/** One cluster, as requests see it. */
export class UpstreamCluster {
  readonly cluster: Cluster;
  readonly #options: UpstreamClusterOptions;
  readonly #pools = new Map<string, { readonly host: Host; readonly pool: ConnectionPool }>();

  constructor(options: UpstreamClusterOptions) {
    this.cluster = options.cluster;
    this.#options = options;
  }

  /** A host for this request, `undefined` when there is none. */
  choose(context: ChooseContext, downstream: Protocol): Destination | undefined {
    const host = this.cluster.choose(context);
    if (host === undefined) return undefined;
    const pool = this.#poolOf(host, this.#protocolFor(downstream));
    return { host, pool, cluster: this.cluster };
  }

  /** Closes the pool of a host that has left. */
  remove(host: Host): void {
    for (const [key, entry] of this.#pools) {
      if (entry.host !== host) continue;
      this.#pools.delete(key);
      entry.pool.drain();
    }
  }

  /** Takes no more requests; those under way end. */
  drain(): void {
    for (const { pool } of this.#pools.values()) pool.drain();
  }

  /** Ends everything now. */
  destroy(): void {
    for (const { pool } of this.#pools.values()) pool.destroy();
    this.#pools.clear();
  }

  /** Of each pool, by protocol and address. */
  stats(): ReadonlyMap<string, PoolStats> {
    return new Map([...this.#pools].map(([key, { pool }]) => [key, pool.stats()]));
  }

  #protocolFor(downstream: Protocol): Protocol {
    const { protocol } = this.cluster.config;
    if (protocol === "downstream") return downstream === "h2" ? "h2" : "http/1.1";
    return protocol === "http2" ? "h2" : "http/1.1";
  }

  #poolOf(host: Host, protocol: Protocol): ConnectionPool {
    const key = `${protocol} ${host.address}`;
    const known = this.#pools.get(key);
    if (known?.host === host) return known.pool;
    known?.pool.drain();
    const { cluster, codec, connector } = this.#options;
    const { config, breakers } = cluster;
    const pool = new ConnectionPool({
      host,
      config,
      breakers: breakers.default,
      protocol,
      codec,
      connector,
    });
    this.#pools.set(key, { host, pool });
    return pool;
  }
}
