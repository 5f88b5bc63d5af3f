// The proxy: a snapshot at work. Listeners and clusters are made for it; a newer snapshot takes its
// place in one step, and what is the same in both (by name and by value) stays as it is, with its
// sockets. Requests that have begun keep the clusters that they found.
//
// Envoy's order: clusters are warm before a listener is opened, and before a snapshot is in force;
// until then the one before it serves.
import { type Clock, type Random, systemClock, systemRandom } from "@compendium/runtime";
import { type Codec, defaultCodecLimits } from "../codec/codec.ts";
import type { ClusterConfig } from "../config/cluster-config.ts";
import type { FilterChainConfig, HttpConfig, ListenerConfig } from "../config/listener-config.ts";
import type { Snapshot } from "../config/snapshot.ts";
import { type Resolver, SystemResolver } from "../discovery/resolver.ts";
import type { FilterFactory } from "../filters/filter-chain.ts";
import { makeFilter as makeFilterOf } from "../filters/make-filter.ts";
import type { RequestObserver } from "../router/observer.ts";
import { ClusterTable } from "../upstream/cluster-table.ts";
import { type Connector, TcpConnector } from "../upstream/connect.ts";
import { UpstreamCluster } from "../upstream/upstream-cluster.ts";
import { ConnectionManager } from "./connection-manager.ts";
import { Listener } from "./listener.ts";

/** What a data plane is made of. */
export interface DataPlaneOptions {
  /** Makes streams of sockets, on both sides. */
  readonly codec: Codec;
  /** Opens sockets to upstream. Default: plain TCP. */
  readonly connector?: Connector;
  /** Looks up the names of hosts. Default: the system. */
  readonly resolver?: Resolver;
  /**
   * How long a snapshot waits for its clusters to be warm: names looked up, hosts asked how they
   * are. Default: 15,000, as Envoy's `initial_fetch_timeout`.
   */
  readonly warmTimeoutMs?: number;
  /** Makes the HTTP filters. Default: the whole of a limit for each. */
  readonly makeFilter?: FilterFactory;
  /** Those who look on at the requests of a filter chain. Default: nobody. */
  readonly observersFor?: (
    listener: string,
    chain: string,
    config: HttpConfig,
  ) => readonly RequestObserver[];
  /** Default: the process's. */
  readonly clock?: Clock;
  /** Default: the platform's. */
  readonly random?: Random;
}

/** A listener that is open. */
export interface RunningListener {
  readonly listener: Listener;
  /** By filter chain. */
  readonly managers: Map<string, ConnectionManager>;
  readonly port: number;
}

/** A proxy that runs. */
export class DataPlane implements AsyncDisposable {
  readonly #options: Required<DataPlaneOptions>;
  readonly #listeners = new Map<string, RunningListener>();
  readonly #clusters: ClusterTable;
  readonly #draining = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  #snapshot: Snapshot | undefined;
  // Invariant: settles when nothing is being applied. One snapshot at a time.
  #applying: Promise<void> = Promise.resolve();
  #isLive = false;

  constructor({ clock = systemClock, random = systemRandom, ...options }: DataPlaneOptions) {
    const connector = options.connector ?? new TcpConnector(clock);
    const { resolver = new SystemResolver(), warmTimeoutMs = 15_000 } = options;
    const wholeFilter: FilterFactory = (config) => makeFilterOf(config, { clock, random });
    const { makeFilter = wholeFilter, observersFor = () => [] } = options;
    const seams = { connector, resolver, makeFilter, observersFor };
    this.#options = { ...options, ...seams, clock, random, warmTimeoutMs };
    this.#clusters = new ClusterTable({
      make: (config, onDrained) => this.#makeCluster(config, onDrained),
      clock,
      warmTimeoutMs,
    });
  }

  /** Settles when the first snapshot is in force, with its listeners open. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** What a readiness probe wants to know (Envoy's server states). */
  get state(): "initializing" | "live" | "draining" {
    if (this.#draining.signal.aborted) return "draining";
    return this.#isLive ? "live" : "initializing";
  }

  /** The listeners that are open, by name. */
  get listeners(): ReadonlyMap<string, RunningListener> {
    return this.#listeners;
  }

  /** The clusters in force, by name. */
  get clusters(): ReadonlyMap<string, UpstreamCluster> {
    return this.#clusters.all();
  }

  /** The snapshot that new requests meet. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** Requests that have begun and not ended, on all listeners. */
  get active(): number {
    let active = 0;
    for (const { managers } of this.#listeners.values()) {
      for (const { numbers } of managers.values()) active += numbers.active;
    }
    return active;
  }

  /** Where a listener listens; `undefined` when there is none of this name. */
  portOf(listener: string): number | undefined {
    return this.#listeners.get(listener)?.port;
  }

  /** The cluster of this name. */
  clusterOf(name: string): UpstreamCluster | undefined {
    return this.#clusters.get(name);
  }

  /** The HTTP numbers of a listener's filter chain. */
  managerOf(listener: string, chain: string): ConnectionManager | undefined {
    return this.#listeners.get(listener)?.managers.get(chain);
  }

  /**
   * Runs this snapshot, as soon as its clusters are warm and those before it are in force. After a
   * drain has begun, nothing changes any more.
   *
   * @throws Error when an address cannot be listened on; everything else has changed then
   */
  apply(snapshot: Snapshot): Promise<void> {
    const applied = this.#applying.then(() => this.#apply(snapshot));
    this.#applying = applied.catch(() => {});
    return applied;
  }

  async #apply(snapshot: Snapshot): Promise<void> {
    const commit = await this.#clusters.prepare(snapshot.clusters, this.#draining.signal);
    if (commit === undefined) return;
    commit();
    this.#snapshot = snapshot;
    for (const [name, running] of this.#listeners) {
      const next = snapshot.listeners.get(name);
      if (next && isSameAddress(next, running.listener.config)) continue;
      running.listener.close();
      for (const manager of running.managers.values()) manager.drain();
      this.#listeners.delete(name);
    }
    for (const [name, config] of snapshot.listeners) await this.#applyListener(name, config);
    this.#isLive = true;
    this.#ready.resolve();
  }

  /** Takes no more connections, and lets what is under way end. */
  drain(): void {
    this.#draining.abort();
    for (const { listener, managers } of this.#listeners.values()) {
      listener.close();
      for (const manager of managers.values()) manager.drain();
    }
  }

  /** Ends everything now. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.drain();
    // What is being applied gives up, and leaves nothing behind.
    await this.#applying;
    for (const { managers } of this.#listeners.values()) {
      for (const manager of managers.values()) manager.destroy();
    }
    this.#clusters.destroy();
    this.#listeners.clear();
  }

  #makeCluster(config: ClusterConfig, onDrained: () => void): UpstreamCluster {
    const { codec, connector, resolver, clock, random } = this.#options;
    const { concurrentStreamsMax, idleTimeoutMs, bufferBytesMax } = config;
    const limits = { concurrentStreamsMax, idleTimeoutMs, bufferBytesMax };
    const client = codec.client({ ...defaultCodecLimits, ...limits });
    const shared = { connector, resolver, clock, random, onDrained };
    return new UpstreamCluster({ config, codec: client, ...shared });
  }

  async #applyListener(name: string, config: ListenerConfig): Promise<void> {
    const known = this.#listeners.get(name);
    if (known !== undefined) {
      for (const chain of config.filterChains) {
        this.#manage(name, known.managers, chain);
      }
      return;
    }
    const managers = new Map<string, ConnectionManager>();
    for (const chain of config.filterChains) {
      this.#manage(name, managers, chain);
    }
    const listener = new Listener(config, this.#options.clock, {
      chainFor: () => this.#snapshot?.listeners.get(name)?.filterChains[0],
      onConnection: (chain, socket, peer, protocol) => {
        const manager = managers.get(chain.name);
        if (manager === undefined) socket.destroy();
        else manager.accept(socket, peer, protocol);
      },
    });
    const port = await listener.listen();
    if (this.#draining.signal.aborted) return listener.close();
    this.#listeners.set(name, { listener, managers, port });
  }

  #manage(
    listener: string,
    managers: Map<string, ConnectionManager>,
    { name, filter }: FilterChainConfig,
  ): void {
    if (filter.kind !== "http") return;
    const known = managers.get(name);
    if (known !== undefined) {
      if (known.config !== filter) known.update(filter);
      return;
    }
    const { codec, clock, random, makeFilter, observersFor } = this.#options;
    const manager = new ConnectionManager(filter, {
      codec,
      clock,
      random,
      clusterOf: (cluster) => this.clusterOf(cluster),
      makeFilter,
      observersFor: (config) => observersFor(listener, name, config),
    });
    managers.set(name, manager);
  }
}

const isSameAddress = (a: ListenerConfig, b: ListenerConfig): boolean =>
  a.address === b.address && a.port === b.port;
