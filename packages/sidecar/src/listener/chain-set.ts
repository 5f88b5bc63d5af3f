// The filter chains of one listener at work. A newer configuration finds the chains that it has in
// common with the one before by their names: their connections stay, and what is done with them
// changes. A chain whose TLS is another now is another chain: connections that came in by the old
// rules of who may come are drained, and so are those of a chain that is gone.

import type { Socket } from "node:net";
import { isDeepStrictEqual } from "node:util";
import type { PeerInfo, Protocol } from "../codec/codec.ts";
import type { FilterChainConfig, ListenerConfig } from "../config/listener-config.ts";
import { downstreamFiles, type SecretStore } from "../tls/secret-store.ts";
import { ServerTls } from "../tls/server-tls.ts";
import { ChainTable } from "./chain-table.ts";

/** What does the work of a chain: HTTP, or TCP. */
export interface ChainHandler {
  /** What is under way. */
  readonly active: number;
  /** Takes a socket whose TLS, if any, is done. */
  accept(socket: Socket, peer: PeerInfo, protocol: Protocol): void;
  /** The chain is configured anew; what its filter is does not change. */
  update(chain: FilterChainConfig): void;
  /** Lets what is under way end, and takes nothing more. */
  drain(): void;
  /** Ends everything now. */
  destroy(): void;
}

/** One chain at work. */
export interface Chain {
  config: FilterChainConfig;
  /** Gone from the configuration: who has not come in by now comes in no more. */
  isRetired: boolean;
  readonly tls: ServerTls | undefined;
  readonly handler: ChainHandler;
  readonly numbers: { active: number; overflows: number };
}

/** What chains are made of. */
export interface ChainSetOptions {
  readonly secrets: Pick<SecretStore, "get">;
  readonly makeHandler: (chain: FilterChainConfig) => ChainHandler;
  /** A chain is not in the configuration any more; its connections are drained. */
  readonly onRetired?: (name: string) => void;
}

/** The chains of one listener. */
export class ChainSet {
  readonly #options: ChainSetOptions;
  readonly #chains = new Map<string, Chain>();
  // Until their last connection has closed.
  #retired: Chain[] = [];
  #table = new ChainTable<Chain>([]);

  constructor(options: ChainSetOptions) {
    this.#options = options;
  }

  /** By which connections find their chain. */
  get table(): ChainTable<Chain> {
    return this.#table;
  }

  /** By name. */
  get chains(): ReadonlyMap<string, Chain> {
    return this.#chains;
  }

  /** What is under way, in chains that are gone as well. */
  get active(): number {
    let active = 0;
    for (const { handler } of this.#all()) active += handler.active;
    return active;
  }

  /** Connections that are open. */
  get connections(): number {
    let connections = 0;
    for (const { numbers } of this.#all()) connections += numbers.active;
    return connections;
  }

  /** Takes another configuration. */
  update({ filterChains }: ListenerConfig): void {
    const names = new Set(filterChains.map(({ name }) => name));
    for (const [name, chain] of this.#chains) if (!names.has(name)) this.#retire(name, chain);
    this.#retired = this.#retired.filter(({ numbers }) => numbers.active > 0);
    for (const config of filterChains) {
      const known = this.#chains.get(config.name);
      if (known !== undefined && isSameKind(known.config, config)) {
        known.config = config;
        known.handler.update(config);
        continue;
      }
      if (known !== undefined) this.#retire(config.name, known);
      this.#chains.set(config.name, this.#makeChain(config));
    }
    this.#table = new ChainTable([...this.#chains.values()]);
  }

  /** Lets what is under way end. */
  drain(): void {
    for (const { handler } of this.#all()) handler.drain();
  }

  /** Ends everything now. */
  destroy(): void {
    for (const { handler } of this.#all()) handler.destroy();
  }

  #makeChain(config: FilterChainConfig): Chain {
    const { secrets, makeHandler } = this.#options;
    const tls = config.tls && new ServerTls(config.tls, secrets.get(downstreamFiles(config.tls)));
    const numbers = { active: 0, overflows: 0 };
    return { config, isRetired: false, tls, handler: makeHandler(config), numbers };
  }

  #retire(name: string, chain: Chain): void {
    this.#chains.delete(name);
    this.#retired.push(chain);
    chain.isRetired = true;
    chain.handler.drain();
    this.#options.onRetired?.(name);
  }

  #all(): Chain[] {
    return [...this.#chains.values(), ...this.#retired];
  }
}

const isSameKind = (a: FilterChainConfig, b: FilterChainConfig): boolean =>
  a.filter.kind === b.filter.kind && isDeepStrictEqual(a.tls, b.tls);
