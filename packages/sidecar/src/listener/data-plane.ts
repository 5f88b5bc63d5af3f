// The proxy: a snapshot at work. Listeners and clusters are made for it; a newer snapshot takes its
// place in one step, and what is the same in both (by name and by value) stays as it is, with its
// sockets. Requests that have begun keep the clusters that they found.
import { isDeepStrictEqual } from "node:util";
import { type Clock, type Random, systemClock, systemRandom } from "@compendium/runtime";
import { Cluster } from "../cluster/cluster.ts";
import { type Codec, defaultCodecLimits } from "../codec/codec.ts";
import type { ClusterConfig } from "../config/cluster-config.ts";
import type { HttpConfig, ListenerConfig } from "../config/listener-config.ts";
import type { Snapshot } from "../config/snapshot.ts";
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
  /** Default: the process's. */
  readonly clock?: Clock;
  /** Default: the platform's. */
  readonly random?: Random;
}

interface Running {
  readonly listener: Listener;
  readonly managers: Map<string, ConnectionManager>;
  readonly port: number;
}

/** A proxy that runs. */
export class DataPlane implements AsyncDisposable {
  readonly #options: Required<DataPlaneOptions>;
  readonly #listeners = new Map<string, Running>();
  #clusters = new Map<string, UpstreamCluster>();
  #snapshot: Snapshot | undefined;

  constructor({ clock = systemClock, random = systemRandom, ...options }: DataPlaneOptions) {
    const connector = options.connector ?? new TcpConnector(clock);
    this.#options = { ...options, clock, random, connector };
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
   * Runs this snapshot from now on.
   *
   * @throws Error when an address cannot be listened on; everything else has changed then
   */
  async apply(snapshot: Snapshot): Promise<void> {
    this.#applyClusters(snapshot);
    this.#snapshot = snapshot;
    for (const [name, running] of this.#listeners) {
      const next = snapshot.listeners.get(name);
      if (next && isSameAddress(next, running.listener.config)) continue;
      running.listener.close();
      for (const manager of running.managers.values()) manager.drain();
      this.#listeners.delete(name);
    }
    for (const [name, config] of snapshot.listeners) await this.#applyListener(name, config);
  }

  /** Takes no more connections, and lets what is under way end. */
  drain(): void {
    for (const { listener, managers } of this.#listeners.values()) {
      listener.close();
      for (const manager of managers.values()) manager.drain();
    }
  }

  /** Ends everything now. */
  [Symbol.asyncDispose](): Promise<void> {
    this.drain();
    for (const { managers } of this.#listeners.values()) {
      for (const manager of managers.values()) manager.destroy();
    }
    for (const cluster of this.#clusters.values()) cluster.destroy();
    this.#listeners.clear();
    this.#clusters.clear();
    return Promise.resolve();
  }

  #applyClusters({ clusters }: Snapshot): void {
    const next = new Map<string, UpstreamCluster>();
    for (const [name, config] of clusters) {
      const known = this.#clusters.get(name);
      const isSame = known !== undefined && isDeepStrictEqual(known.cluster.config, config);
      next.set(name, isSame ? known : this.#makeCluster(config));
    }
    const before = this.#clusters;
    this.#clusters = next;
    for (const [name, cluster] of before) if (next.get(name) !== cluster) cluster.drain();
  }

  #makeCluster(config: ClusterConfig): UpstreamCluster {
    const { codec, connector, clock, random } = this.#options;
    const { concurrentStreamsMax, idleTimeoutMs, bufferBytesMax } = config;
    const limits = { concurrentStreamsMax, idleTimeoutMs, bufferBytesMax };
    const client = codec.client({ ...defaultCodecLimits, ...limits });
    const cluster = new Cluster({ config, clock, random });
    return new UpstreamCluster({ cluster, codec: client, connector });
  }

  async #applyListener(name: string, config: ListenerConfig): Promise<void> {
    const known = this.#listeners.get(name);
    if (known !== undefined) {
      for (const chain of config.filterChains) {
        if (chain.filter.kind === "http") this.#manage(known.managers, chain.name, chain.filter);
      }
      return;
    }
    const managers = new Map<string, ConnectionManager>();
    for (const chain of config.filterChains) {
      if (chain.filter.kind === "http") this.#manage(managers, chain.name, chain.filter);
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
    this.#listeners.set(name, { listener, managers, port });
  }

  #manage(managers: Map<string, ConnectionManager>, name: string, filter: HttpConfig): void {
    const known = managers.get(name);
    if (known !== undefined) {
      if (known.config !== filter) known.update(filter);
      return;
    }
    const { codec, clock, random } = this.#options;
    const clusterOf = (cluster: string): UpstreamCluster | undefined => this.clusterOf(cluster);
    managers.set(name, new ConnectionManager(filter, { codec, clock, random, clusterOf }));
  }
}

const isSameAddress = (a: ListenerConfig, b: ListenerConfig): boolean =>
  a.address === b.address && a.port === b.port;
