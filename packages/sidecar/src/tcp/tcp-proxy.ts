// The TCP proxy: what a listener does with connections whose bytes are nobody's business but those
// of the two ends (Envoy's `tcp_proxy`).
//
// Draining: bytes have no end that a proxy could wait for, so connections that are to go are left
// alone for as long as Envoy would leave them (`--drain-time-s`), and then closed.
import type { Socket } from "node:net";
import type { Clock, Random } from "@compendium/runtime";
import type { PeerInfo } from "../codec/codec.ts";
import type { FilterChainConfig, TcpConfig } from "../config/listener-config.ts";
import type { ChainHandler } from "../listener/chain-set.ts";
import { TcpConnection, type TcpConnectionInfo, type TcpUpstream } from "./tcp-connection.ts";

/** How long connections may go on that are to go. */
export const TCP_DRAIN_MS = 600_000;

/** What a TCP proxy is made of. */
export interface TcpProxyOptions {
  readonly clock: Clock;
  readonly random: Pick<Random, "below">;
  readonly upstreamOf: (cluster: string) => TcpUpstream | undefined;
  /** Is told of each connection at its end. */
  readonly onEnd?: (info: TcpConnectionInfo, config: TcpConfig) => void;
}

/** Plain numbers of one TCP proxy. */
export interface TcpNumbers {
  connections: number;
  active: number;
  /** Those that never reached a host. */
  failures: number;
  /** Closed because neither side sent anything. */
  idleTimeouts: number;
  bytesReceived: number;
  bytesSent: number;
}

/** TCP on the connections of one filter chain. */
export class TcpProxy implements ChainHandler {
  readonly numbers: TcpNumbers = {
    connections: 0,
    active: 0,
    failures: 0,
    idleTimeouts: 0,
    bytesReceived: 0,
    bytesSent: 0,
  };
  readonly #options: TcpProxyOptions;
  readonly #connections = new Set<TcpConnection>();
  #config: TcpConfig;
  #draining: Disposable | undefined;
  #isDraining = false;

  constructor(config: TcpConfig, options: TcpProxyOptions) {
    this.#config = config;
    this.#options = options;
  }

  get active(): number {
    return this.numbers.active;
  }

  /** For connections to come. */
  update({ filter }: FilterChainConfig): void {
    if (filter.kind === "tcp") this.#config = filter;
  }

  accept(socket: Socket, peer: PeerInfo): void {
    const { numbers } = this;
    const config = this.#config;
    numbers.connections++;
    numbers.active++;
    const connection = new TcpConnection(socket, peer, {
      ...this.#options,
      config,
      onEnd: (info) => {
        this.#connections.delete(connection);
        numbers.active--;
        if (info.upstreamPeer === undefined) numbers.failures++;
        if (info.flags.has("SI")) numbers.idleTimeouts++;
        numbers.bytesReceived += info.bytesReceived;
        numbers.bytesSent += info.bytesSent;
        if (this.#connections.size === 0) this.#stopDraining();
        this.#options.onEnd?.(info, config);
      },
    });
    this.#connections.add(connection);
    connection.start();
    // It was on its way when the others were told.
    if (this.#isDraining) this.drain();
  }

  drain(): void {
    this.#isDraining = true;
    const { clock } = this.#options;
    if (this.#connections.size === 0) return;
    this.#draining ??= clock.setTimer(clock.now() + TCP_DRAIN_MS, () => this.destroy());
  }

  destroy(): void {
    this.#stopDraining();
    for (const connection of this.#connections) connection.destroy();
  }

  #stopDraining(): void {
    this.#draining?.[Symbol.dispose]();
    this.#draining = undefined;
  }
}
