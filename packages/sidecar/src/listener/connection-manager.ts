// The HTTP connection manager: what a listener does with a connection that speaks HTTP. It makes
// streams of it, and an exchange of each. A newer configuration is for connections (limits) and
// requests (everything else) that have not begun.
import type { Socket } from "node:net";
import type { Clock, Random } from "@compendium/runtime";
import type { Codec, PeerInfo, Protocol, ServerCodec, ServerConnection } from "../codec/codec.ts";
import type { HttpConfig } from "../config/listener-config.ts";
import type { FilterOverrides, RouteConfig } from "../config/route-config.ts";
import { FilterChain, type FilterFactory } from "../filters/filter-chain.ts";
import { Exchange, type ExchangeNumbers } from "../router/exchange.ts";
import type { RequestObserver } from "../router/observer.ts";
import { RequestInfo } from "../router/request-info.ts";
import { RequestRouter } from "../router/request-router.ts";
import type { UpstreamCluster } from "../upstream/upstream-cluster.ts";

/** What a connection manager is made of. */
export interface ConnectionManagerOptions {
  readonly codec: Codec;
  readonly clock: Clock;
  readonly random: Random;
  readonly clusterOf: (name: string) => UpstreamCluster | undefined;
  readonly makeFilter: FilterFactory;
  /** Those who look on at requests of this configuration. */
  readonly observersFor: (config: HttpConfig) => readonly RequestObserver[];
}

// What one configuration is made into.
interface Compiled {
  readonly config: HttpConfig;
  readonly filters: FilterChain;
  readonly router: RequestRouter;
  readonly observers: readonly RequestObserver[];
  readonly server: ServerCodec;
}

/** HTTP on the connections of one filter chain. */
export class ConnectionManager {
  readonly numbers: ExchangeNumbers = {
    active: 0,
    requests: 0,
    cancelled: 0,
    failures: 0,
    idleTimeouts: 0,
  };
  readonly #options: ConnectionManagerOptions;
  readonly #connections = new Set<ServerConnection>();
  #now: Compiled;
  #isDraining = false;

  constructor(config: HttpConfig, options: ConnectionManagerOptions) {
    this.#options = options;
    this.#now = this.#compile(config);
  }

  get config(): HttpConfig {
    return this.#now.config;
  }

  /** The filters that new requests pass. */
  get filters(): FilterChain {
    return this.#now.filters;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Takes another configuration: limits for new connections, the rest for new requests. */
  update(config: HttpConfig): void {
    this.#now = this.#compile(config, this.#now.filters);
  }

  /** Takes a socket whose TLS, if any, is done. */
  accept(socket: Socket, peer: PeerInfo, protocol: Protocol): void {
    const connection = this.#now.server.accept(socket, peer, protocol);
    this.#connections.add(connection);
    const lifetime = this.#limitLifetime(connection);
    void connection.closed.then(() => {
      this.#connections.delete(connection);
      lifetime?.[Symbol.dispose]();
    });
  }

  /**
   * Lets what is under way end, and takes no more requests. Connections that are still to come,
   * because they were on their way or because ports are open yet, have one request each: a client
   * that is told nothing but "closed" could not know that it may try again.
   */
  drain(): void {
    this.#isDraining = true;
    for (const connection of this.#connections) connection.drain();
  }

  /** Ends everything now. */
  destroy(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  #limitLifetime(connection: ServerConnection): Disposable | undefined {
    const { connectionLifetimeMs, drainTimeoutMs } = this.config.timers;
    // Who came late to a drain, and says nothing, must not hold it up until he is idle.
    const lifetimeMs = this.#isDraining ? drainTimeoutMs : connectionLifetimeMs;
    if (lifetimeMs === 0) return undefined;
    const { clock } = this.#options;
    return clock.setTimer(clock.now() + lifetimeMs, () => connection.drain());
  }

  #compile(config: HttpConfig, before?: FilterChain): Compiled {
    const { clock, random, clusterOf, makeFilter, observersFor } = this.#options;
    const filters = new FilterChain({
      filters: config.filters,
      overrides: overridesOf(config),
      make: makeFilter,
      before,
    });
    const router = new RequestRouter({ config, filters, clusterOf, clock, random });
    return {
      config,
      filters,
      router,
      observers: observersFor(config),
      server: this.#serve(config),
    };
  }

  // A connection keeps its limits; each of its requests meets the configuration of its moment.
  #serve(config: HttpConfig): ServerCodec {
    const { limits, timers } = config;
    const options = {
      ...limits,
      headersTimeoutMs: boundOf(timers.requestHeadersTimeoutMs),
      idleTimeoutMs: boundOf(timers.idleTimeoutMs),
      streamIdleTimeoutMs: boundOf(timers.streamIdleTimeoutMs),
      drainTimeoutMs: timers.drainTimeoutMs,
      upgrades: allUpgrades(config),
    };
    const { clock, codec, random } = this.#options;
    return codec.server(options, (stream) => {
      const { config: now, router, observers } = this.#now;
      if (this.#isDraining) stream.connection.drain();
      return new Exchange(stream, {
        clock,
        random,
        numbers: this.numbers,
        decider: router,
        observers,
        info: new RequestInfo(stream.connection.peer, clock),
        requestTimeoutMs: now.timers.requestTimeoutMs,
        lifetimeMs: now.timers.streamLifetimeMs,
      });
    });
  }
}

// 0 is no bound.
const boundOf = (ms: number): number => (ms === 0 ? Number.POSITIVE_INFINITY : ms);

// A codec knows no routes: it ignores those upgrades that none of them takes.
function allUpgrades(config: HttpConfig): Set<string> {
  const upgrades = new Set(config.upgrades);
  for (const { action } of routesOf(config)) {
    if (action.kind !== "forward") continue;
    for (const name of action.upgrades ?? []) upgrades.add(name);
  }
  return upgrades;
}

function* routesOf({ virtualHosts }: HttpConfig): Iterable<RouteConfig> {
  for (const { routes } of virtualHosts) yield* routes;
}

function* overridesOf(config: HttpConfig): Iterable<FilterOverrides> {
  for (const { filters } of routesOf(config)) yield filters;
}
