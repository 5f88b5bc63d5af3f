// The proxy: a snapshot at work. Listeners and clusters are made for it; a newer snapshot takes its
// place in one step, and what is the same in both (by name and by value) stays as it is, with its
// sockets. Requests that have begun keep the clusters that they found.
//
// Envoy's order: clusters are warm before a listener is opened, and before a snapshot is in force;
// until then the one before it serves. What can be refused is found out before anything changes:
//
//     prepare   certificates are read, clusters warmed, new addresses listened on
//     commit    clusters, then listeners take their places
import { type Clock, type Random, systemClock, systemRandom } from "@compendium/runtime";
import { type Codec, defaultCodecLimits } from "../codec/codec.ts";
import type { ClusterConfig } from "../config/cluster-config.ts";
import type { FilterChainConfig, HttpConfig, TcpConfig } from "../config/listener-config.ts";
import type { Snapshot } from "../config/snapshot.ts";
import { type Resolver, SystemResolver } from "../discovery/resolver.ts";
import type { FilterFactory } from "../filters/filter-chain.ts";
import { makeFilter as makeFilterOf } from "../filters/make-filter.ts";
import type { RequestObserver } from "../router/observer.ts";
import type { TcpConnectionInfo } from "../tcp/tcp-connection.ts";
import { TcpProxy } from "../tcp/tcp-proxy.ts";
import { SecretStore, upstreamFiles } from "../tls/secret-store.ts";
import { type ClusterChange, ClusterTable } from "../upstream/cluster-table.ts";
import { type Connector, TcpConnector } from "../upstream/connect.ts";
import { TlsConnector } from "../upstream/tls-connector.ts";
import { UpstreamCluster } from "../upstream/upstream-cluster.ts";
import { type ChainHandler, ChainSet } from "./chain-set.ts";
import { ConnectionManager } from "./connection-manager.ts";
import { type ListenerChange, ListenerTable, type RunningListener } from "./listener-table.ts";

/** What a data plane is made of. */
export interface DataPlaneOptions {
  /** Makes streams of sockets, on both sides. */
  readonly codec: Codec;
  /** Opens sockets to upstream; TLS stands on top of it. Default: plain TCP. */
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
  /** Is told of each TCP connection at its end. Default: nobody. */
  readonly onTcpEnd?: (
    listener: string,
    chain: string,
    info: TcpConnectionInfo,
    config: TcpConfig,
  ) => void;
  /** Is told which certificates were replaced, and which were not and why. Default: nobody. */
  readonly onNote?: (note: string) => void;
  /** Whether other processes may listen on the same ports. Default: false. */
  readonly reusePort?: boolean;
  /** Default: the process's. */
  readonly clock?: Clock;
  /** Default: the platform's. */
  readonly random?: Random;
}

/** A snapshot that may come into force: one of the two follows, and nothing else does before. */
export interface PlaneChange {
  /**
   * Puts it in force; after a drain has begun, nothing happens.
   *
   * @throws Error when an address cannot be had that was another listener's, which had to let go of
   * it first; everything else has changed then
   */
  commit(): Promise<void>;
  /** Nothing has changed. */
  abandon(): void;
}

/** A proxy that runs. */
export class DataPlane implements AsyncDisposable {
  /** Certificates, keys and authorities, kept up to date. */
  readonly secrets: SecretStore;
  readonly #options: Required<DataPlaneOptions>;
  readonly #listeners: ListenerTable;
  readonly #clusters: ClusterTable;
  readonly #draining = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  #snapshot: Snapshot | undefined;
  // Invariant: settles when no change is under way or prepared. One snapshot at a time.
  #changing: Promise<void> = Promise.resolve();
  #newest: Snapshot | undefined;
  #isLive = false;

  constructor({ clock = systemClock, random = systemRandom, ...options }: DataPlaneOptions) {
    const connector = options.connector ?? new TcpConnector(clock);
    const { resolver = new SystemResolver(), warmTimeoutMs = 15_000 } = options;
    const wholeFilter: FilterFactory = (config) => makeFilterOf(config, { clock, random });
    const { makeFilter = wholeFilter, observersFor = () => [] } = options;
    const { onTcpEnd = () => {}, onNote = () => {}, reusePort = false } = options;
    this.secrets = new SecretStore({ clock, onNote });
    const seams = { connector, resolver, makeFilter, observersFor, onTcpEnd, onNote };
    this.#options = { ...options, ...seams, clock, random, warmTimeoutMs, reusePort };
    this.#listeners = new ListenerTable({
      clock,
      reusePort,
      makeChains: (listener, managers) => this.#makeChains(listener, managers),
    });
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
    return this.#listeners.all();
  }

  /** How often a snapshot came into force before all of its clusters were warm. */
  get warmTimeouts(): number {
    return this.#clusters.warmTimeouts;
  }

  /** The clusters in force, by name. */
  get clusters(): ReadonlyMap<string, UpstreamCluster> {
    return this.#clusters.all();
  }

  /** The snapshot that new requests meet. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** Requests and TCP connections that have begun and not ended, on all listeners there were. */
  get active(): number {
    return this.#listeners.active;
  }

  /** Connections from downstream that are open, on all listeners there were. */
  get connections(): number {
    return this.#listeners.connections;
  }

  /** Where a listener listens; `undefined` when there is none of this name. */
  portOf(listener: string): number | undefined {
    return this.listeners.get(listener)?.port;
  }

  /** The cluster of this name. */
  clusterOf(name: string): UpstreamCluster | undefined {
    return this.#clusters.get(name);
  }

  /** The HTTP numbers of a listener's filter chain. */
  managerOf(listener: string, chain: string): ConnectionManager | undefined {
    return this.listeners.get(listener)?.managers.get(chain);
  }

  /**
   * Runs this snapshot, as soon as its clusters are warm and the one before it is in force; if a
   * newer one has come by then, that one takes its turn. After a drain has begun, nothing changes
   * any more.
   *
   * @throws SidecarConfigError when a certificate cannot be had; nothing has changed then
   * @throws Error when an address cannot be listened on; nothing has changed then, unless it was
   * another listener's ({@link PlaneChange.commit})
   */
  async apply(snapshot: Snapshot): Promise<void> {
    const change = await this.prepare(snapshot);
    await change?.commit();
  }

  /**
   * The first half of {@link apply}: gets all that this snapshot needs, and changes nothing. Others
   * wait until it is committed or abandoned; a drain abandons it.
   *
   * @returns `undefined` when a newer one has come by then, or a drain has begun
   */
  prepare(snapshot: Snapshot): Promise<PlaneChange | undefined> {
    this.#newest = snapshot;
    const ended = Promise.withResolvers<void>();
    const prepared = this.#changing.then(() => this.#prepare(snapshot, ended.resolve));
    this.#changing = prepared.then((change) => change && ended.promise).catch(() => {});
    return prepared;
  }

  async #prepare(snapshot: Snapshot, end: () => void): Promise<PlaneChange | undefined> {
    const { signal } = this.#draining;
    // While one warms, many may come; all but the last of them would be warmed for nothing.
    if (snapshot !== this.#newest || signal.aborted) return undefined;
    const before = this.#snapshot === undefined ? [] : [this.#snapshot];
    this.secrets.use(...before, snapshot);
    const clusters = await this.#clusters.prepare(snapshot.clusters, signal);
    if (clusters === undefined) return undefined;
    const listeners = await this.#listeners.prepare(snapshot.listeners).catch((error) => {
      clusters.abandon();
      this.secrets.use(...before);
      throw error;
    });
    let isOpen = true;
    const settle = (): boolean => {
      const wasOpen = isOpen;
      isOpen = false;
      signal.removeEventListener("abort", abandon);
      return wasOpen;
    };
    const abandon = (): void => {
      if (!settle()) return;
      listeners.abandon();
      clusters.abandon();
      this.secrets.use(...before);
      end();
    };
    const commit = async (): Promise<void> => {
      if (settle()) await this.#commit(snapshot, clusters, listeners).finally(end);
    };
    if (signal.aborted) {
      abandon();
      return undefined;
    }
    signal.addEventListener("abort", abandon);
    return { commit, abandon };
  }

  async #commit(
    snapshot: Snapshot,
    clusters: ClusterChange,
    listeners: ListenerChange,
  ): Promise<void> {
    clusters.commit();
    this.#snapshot = snapshot;
    this.secrets.use(snapshot);
    await listeners.commit();
    this.#isLive = true;
    this.#ready.resolve();
  }

  /** Takes no more connections, and lets what is under way end. */
  drain(): void {
    this.#draining.abort();
    this.#listeners.drain();
  }

  /** Ends everything now. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.drain();
    // What is being applied gives up, and leaves nothing behind.
    await this.#changing;
    this.#listeners.destroy();
    this.#clusters.destroy();
    this.secrets[Symbol.dispose]();
  }

  #makeCluster(config: ClusterConfig, onDrained: () => void): UpstreamCluster {
    const { codec, connector, resolver, clock, random } = this.#options;
    const { concurrentStreamsMax, idleTimeoutMs, bufferBytesMax } = config;
    const limits = { concurrentStreamsMax, bufferBytesMax };
    const client = codec.client({
      ...defaultCodecLimits,
      ...limits,
      idleTimeoutMs: idleTimeoutMs || Number.POSITIVE_INFINITY,
      // How long a stream may be silent is its route's matter, and its exchange ends it.
      streamIdleTimeoutMs: Number.POSITIVE_INFINITY,
    });
    const { tls } = config;
    const over = tls && {
      connector: new TlsConnector({
        config: tls,
        secret: this.secrets.get(upstreamFiles(tls)),
        beneath: connector,
        clock,
      }),
    };
    const shared = { connector, resolver, clock, random, onDrained, ...over };
    return new UpstreamCluster({ config, codec: client, ...shared });
  }

  #makeChains(listener: string, managers: RunningListener["managers"]): ChainSet {
    return new ChainSet({
      secrets: this.secrets,
      makeHandler: (chain) => this.#makeHandler(listener, managers, chain),
      onRetired: (chain) => managers.delete(chain),
    });
  }

  #makeHandler(
    listener: string,
    managers: RunningListener["managers"],
    { name, filter }: FilterChainConfig,
  ): ChainHandler {
    const { codec, clock, random, makeFilter, observersFor, onTcpEnd } = this.#options;
    if (filter.kind === "tcp") {
      return new TcpProxy(filter, {
        clock,
        random,
        upstreamOf: (cluster) => this.clusterOf(cluster),
        onEnd: (info, config) => onTcpEnd(listener, name, info, config),
      });
    }
    const manager = new ConnectionManager(filter, {
      codec,
      clock,
      random,
      clusterOf: (cluster) => this.clusterOf(cluster),
      makeFilter,
      observersFor: (config) => observersFor(listener, name, config),
    });
    managers.set(name, manager);
    return httpHandler(manager);
  }
}

function httpHandler(manager: ConnectionManager): ChainHandler {
  return {
    get active() {
      return manager.numbers.active;
    },
    accept: (socket, peer, protocol) => manager.accept(socket, peer, protocol),
    update: ({ filter }) => {
      if (filter.kind === "http" && filter !== manager.config) manager.update(filter);
    },
    drain: () => manager.drain(),
    destroy: () => manager.destroy(),
  };
}
