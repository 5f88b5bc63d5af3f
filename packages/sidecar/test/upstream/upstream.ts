// A cluster at work without sockets: connections that a test opens, ends and looks at.
import { ManualClock, SeededRandom } from "@compendium/runtime";
import type { Host } from "../../src/cluster/host.ts";
import type {
  ClientCodec,
  ClientConnection,
  ClientStream,
  Protocol,
} from "../../src/codec/codec.ts";
import type { ClusterConfig } from "../../src/config/cluster-config.ts";
import type { ConnectEvents, Connector } from "../../src/upstream/connect.ts";
import { UpstreamCluster } from "../../src/upstream/upstream-cluster.ts";
import { clusterConfig, endpoint, locality } from "../cluster/config.ts";
import { FakeResolver } from "../discovery/fake-resolver.ts";

const peer = {
  remoteAddress: "",
  remotePort: 0,
  localAddress: "",
  localPort: 0,
  tls: undefined,
};

/** One connection, of which a test is the other end. */
export class FakeConnection implements ClientConnection {
  readonly protocol: Protocol;
  readonly closed: Promise<void>;
  readonly host: Host;
  streams = 0;
  isDraining = false;
  isClosed = false;
  readonly #close: () => void;
  readonly #onCapacity: () => void;

  constructor(host: Host, protocol: Protocol, onCapacity: () => void) {
    this.host = host;
    this.protocol = protocol;
    this.#onCapacity = onCapacity;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#close = resolve;
  }

  get capacity(): number {
    if (this.isDraining || this.isClosed) return 0;
    return (this.protocol === "h2" ? 2 : 1) - this.streams;
  }

  start(): ClientStream {
    this.streams++;
    return {} as ClientStream;
  }

  /** The stream that began has ended. */
  endStream(): void {
    this.streams--;
    if (this.isDraining && this.streams === 0) this.destroy();
    else this.#onCapacity();
  }

  drain(): void {
    this.isDraining = true;
    if (this.streams === 0) this.destroy();
  }

  destroy(): void {
    this.isClosed = true;
    this.#close();
  }
}

/** Hosts and what they were asked. */
export class FakeNetwork implements Connector, ClientCodec {
  readonly connections: FakeConnection[] = [];
  /** Addresses at which nobody answers. */
  readonly down = new Set<string>();
  /** Addresses at which nobody says a word. */
  readonly silent = new Set<string>();
  /** Attempts, by address. */
  readonly asked: string[] = [];
  #host: Host | undefined;

  connect(host: Host, protocol: Protocol, timeoutMs: number, events: ConnectEvents): Disposable {
    let isOver = false;
    this.asked.push(host.address);
    queueMicrotask(() => {
      if (isOver || this.silent.has(host.address)) return;
      this.#host = host;
      if (this.down.has(host.address)) events.onFailed("connect-failure", `down, ${timeoutMs}`);
      else events.onConnected(socket, peer, protocol);
    });
    return {
      [Symbol.dispose]: () => {
        isOver = true;
      },
    };
  }

  open(_socket: unknown, _peer: unknown, protocol: Protocol, onCapacity: () => void) {
    const connection = new FakeConnection(this.#host!, protocol, onCapacity);
    this.connections.push(connection);
    return connection;
  }

  /** Connections that are open. */
  get living(): FakeConnection[] {
    return this.connections.filter(({ isClosed }) => !isClosed);
  }
}

// What a TCP probe without a word to say asks of a socket.
const socket = { on: () => {}, destroy: () => {} } as unknown as Parameters<
  ConnectEvents["onConnected"]
>[0];

export interface FakeUpstream {
  readonly clock: ManualClock;
  readonly network: FakeNetwork;
  readonly resolver: FakeResolver;
  readonly upstream: UpstreamCluster;
  readonly drained: () => number;
  /** A request that begins, on a connection; `undefined` where it gets none. */
  readonly send: (priority?: "default" | "high") => Promise<FakeConnection | undefined>;
  /** The hosts that requests get now, each once. */
  readonly chosen: () => string[];
}

/** @param Upstream the class, of this package or of a copy with a planted bug */
export function setUpUpstream(
  more: Partial<ClusterConfig> = {},
  Upstream: typeof UpstreamCluster = UpstreamCluster,
): FakeUpstream {
  const clock = new ManualClock();
  const network = new FakeNetwork();
  const resolver = new FakeResolver();
  let drained = 0;
  const upstream = new Upstream({
    config: clusterConfig({ endpoints: hostsOf("a", "b"), ...more }),
    codec: network,
    connector: network,
    resolver,
    clock,
    random: new SeededRandom(1),
    onDrained: () => {
      drained++;
    },
  });
  const send = async (priority?: "default" | "high"): Promise<FakeConnection | undefined> => {
    const destination = upstream.choose({}, "http/1.1", priority);
    if (destination === undefined) return undefined;
    upstream.cluster.begin(destination.host);
    const { promise, resolve } = Promise.withResolvers<FakeConnection | undefined>();
    destination.pool.acquire({
      onReady: (connection) => {
        (connection as FakeConnection).start();
        resolve(connection as FakeConnection);
      },
      onFailed: () => resolve(undefined),
    });
    return await promise;
  };
  const chosen = (): string[] => {
    const hosts = Array.from({ length: 40 }, () => upstream.cluster.choose({}));
    return [...new Set(hosts.map((host) => host?.address ?? "none"))].sort();
  };
  return { clock, network, resolver, upstream, drained: () => drained, send, chosen };
}

/** Endpoints of these names, on port 80. */
export function hostsOf(...names: string[]): ClusterConfig["endpoints"] {
  return [locality(names.map((name) => endpoint(name)))];
}
