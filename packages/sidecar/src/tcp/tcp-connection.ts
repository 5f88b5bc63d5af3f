// One connection of the TCP proxy: a cluster by its share, a host, an attempt to connect, another
// if that fails, then bytes. Until a host has answered nothing is read from the client, so that
// nothing has to be sent twice.
import type { Socket } from "node:net";
import type { Clock, Random } from "@compendium/runtime";
import { xxh64 } from "../balance/xxh64.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Host } from "../cluster/host.ts";
import type { PeerInfo } from "../codec/codec.ts";
import { Deadline } from "../codec/node/deadline.ts";
import type { TcpConfig } from "../config/listener-config.ts";
import type { WeightedCluster } from "../config/route-config.ts";
import { shareOf } from "../match/weighted-share.ts";
import type { ResponseFlag } from "../router/response-flags.ts";
import type { Connector } from "../upstream/connect.ts";
import { Relay } from "./relay.ts";

/** A cluster, as the TCP proxy sees it. */
export interface TcpUpstream {
  readonly cluster: Cluster;
  readonly connector: Connector;
}

/** What is known of a connection at its end. */
export interface TcpConnectionInfo {
  readonly peer: PeerInfo;
  /** "" when there was none. */
  readonly cluster: string;
  /** The last that was tried. */
  readonly host: Host | undefined;
  readonly upstreamPeer: PeerInfo | undefined;
  readonly attempts: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly flags: ReadonlySet<ResponseFlag>;
  /** For the log: why there was no connection, or why it ended. */
  readonly detail: string;
}

/** What a connection needs. */
export interface TcpConnectionOptions {
  readonly config: TcpConfig;
  readonly clock: Clock;
  readonly random: Pick<Random, "below">;
  readonly upstreamOf: (cluster: string) => TcpUpstream | undefined;
  readonly onEnd: (info: TcpConnectionInfo) => void;
}

/** One client, and the host that it is connected to. */
export class TcpConnection {
  readonly #options: TcpConnectionOptions;
  readonly #socket: Socket;
  readonly #peer: PeerInfo;
  readonly #idle: Deadline;
  readonly #flags = new Set<ResponseFlag>();
  readonly #tried = new Set<Host>();
  readonly #startedAtMs: number;
  #name = "";
  #host: Host | undefined;
  #upstreamPeer: PeerInfo | undefined;
  #connecting: Disposable | undefined;
  #relay: Relay | undefined;
  #giveBack: (() => void) | undefined;
  #attempts = 0;
  #detail = "";

  constructor(socket: Socket, peer: PeerInfo, options: TcpConnectionOptions) {
    this.#socket = socket;
    this.#peer = peer;
    this.#options = options;
    this.#startedAtMs = options.clock.now();
    this.#idle = new Deadline(options.clock, () => this.#onIdle());
  }

  /** Begins. */
  start(): void {
    const { config, upstreamOf } = this.#options;
    this.#socket.once("close", this.#onEarlyClose);
    const share = shareOf(config.clusters, this.#options.random);
    const upstream = share && upstreamOf(share.cluster);
    if (share === undefined || upstream === undefined) {
      this.#refuse("NC", "no such cluster");
      return;
    }
    this.#name = share.cluster;
    this.#connect(upstream, share.subset);
  }

  /** Ends it now. */
  destroy(): void {
    if (this.#relay !== undefined) this.#relay.destroy();
    else this.#socket.destroy();
  }

  #connect({ cluster, connector }: TcpUpstream, subset: WeightedCluster["subset"]): void {
    const { config, clock } = this.#options;
    const hash = config.hash.length > 0 ? xxh64(this.#peer.remoteAddress) : undefined;
    const tried = (host: Host): boolean => this.#tried.has(host);
    const hostSelectionAttempts = this.#tried.size;
    const host = cluster.choose({ hash, subset, tried, hostSelectionAttempts });
    if (host === undefined) return this.#refuse("UH", "no healthy host");
    const breakers = cluster.breakers.default;
    if (!breakers.take("connections")) return this.#refuse("UO", "too many connections");
    this.#attempts++;
    this.#host = host;
    this.#tried.add(host);
    const beganAtMs = clock.now();
    const elapsedMs = (): number => clock.now() - beganAtMs;
    cluster.begin(host);
    this.#giveBack = () => {
      breakers.give("connections");
      cluster.end(host, "cancelled", elapsedMs());
    };
    this.#connecting = connector.connect(host, "tcp", cluster.config.connectTimeoutMs, {
      onConnected: (socket, peer) => {
        this.#connecting = undefined;
        cluster.outliers?.report(host, "connected-only");
        host.numbers.activeConnections++;
        this.#giveBack = () => {
          breakers.give("connections");
          host.numbers.activeConnections--;
          cluster.end(host, "cancelled", elapsedMs());
        };
        this.#begin(socket, peer);
      },
      onFailed: (failure, detail) => {
        this.#connecting = undefined;
        this.#giveBack = undefined;
        breakers.give("connections");
        const result = failure === "connect-timeout" ? "timed-out" : "connect-failed";
        cluster.end(host, result, elapsedMs());
        if (this.#attempts < config.connectAttemptsMax)
          this.#connect({ cluster, connector }, subset);
        else {
          if (this.#attempts > 1) this.#flags.add("URX");
          this.#refuse("UF", detail);
        }
      },
    });
  }

  #begin(upstream: Socket, peer: PeerInfo): void {
    const { config } = this.#options;
    const idleMs = config.idleTimeoutMs === 0 ? Number.POSITIVE_INFINITY : config.idleTimeoutMs;
    this.#socket.off("close", this.#onEarlyClose);
    this.#upstreamPeer = peer;
    // Its close says the same, and comes after it.
    upstream.on("error", () => {});
    this.#relay = new Relay({
      downstream: this.#socket,
      upstream,
      bufferBytesMax: config.bufferBytesMax,
      onActivity: () => this.#idle.set(idleMs),
      onEnd: (broken) => {
        if (this.#flags.size === 0 && broken !== undefined) {
          this.#flags.add(broken === "upstream" ? "UC" : "DC");
          this.#detail = `${broken} broke off`;
        }
        this.#end();
      },
    });
    this.#idle.set(idleMs);
  }

  readonly #onEarlyClose = (): void => {
    if (this.#flags.size === 0) {
      this.#flags.add("DC");
      this.#detail = "the client went away before there was a connection";
    }
    this.#end();
  };

  #refuse(flag: ResponseFlag, detail: string): void {
    this.#flags.add(flag);
    this.#detail = detail;
    this.#socket.destroy();
  }

  #onIdle(): void {
    this.#flags.add("SI");
    this.#detail = "neither side sent anything for too long";
    this.destroy();
  }

  #end(): void {
    const { clock, onEnd } = this.#options;
    this.#connecting?.[Symbol.dispose]();
    this.#connecting = undefined;
    this.#giveBack?.();
    this.#giveBack = undefined;
    this.#idle.dispose();
    onEnd({
      peer: this.#peer,
      cluster: this.#name,
      host: this.#host,
      upstreamPeer: this.#upstreamPeer,
      attempts: this.#attempts,
      startedAtMs: this.#startedAtMs,
      durationMs: clock.now() - this.#startedAtMs,
      bytesReceived: this.#relay?.bytesReceived ?? 0,
      bytesSent: this.#relay?.bytesSent ?? 0,
      flags: this.#flags,
      detail: this.#detail,
    });
  }
}
