// The listeners of a proxy by their names, and how others take their place. Like clusters
// (cluster-table.ts), in two steps, so that a configuration whose address cannot be had changes
// nothing:
//
//     prepare   new addresses are listened on; who connects there waits
//     commit    listeners that stay take their new configuration, new ones let in who waits,
//               old ones close their ports and let what is under way end
//
// An address that passes from one listener to another is the exception: the old one has to let go
// of it first, so it is opened last. Where ports are shared (`reusePort`) even that is prepared.
import type { Clock } from "@compendium/runtime";
import type { ListenerConfig } from "../config/listener-config.ts";
import type { ChainSet } from "./chain-set.ts";
import type { ConnectionManager } from "./connection-manager.ts";
import { Listener } from "./listener.ts";

/** A listener that is open. */
export interface RunningListener {
  readonly listener: Listener;
  /** All filter chains. */
  readonly chains: ChainSet;
  /** Those of HTTP, by filter chain. */
  readonly managers: Map<string, ConnectionManager>;
  readonly port: number;
}

/** What a table of listeners is made of. */
export interface ListenerTableOptions {
  readonly clock: Clock;
  /** Whether other processes may listen on the same ports. */
  readonly reusePort: boolean;
  /** The chains of a listener, with a place for the managers that are made for them. */
  readonly makeChains: (listener: string, managers: RunningListener["managers"]) => ChainSet;
}

/** A change that has been prepared: one of the two follows. */
export interface ListenerChange {
  /** @throws Error when an address that was another listener's cannot be had */
  commit(): Promise<void>;
  /** Closes what was opened, and who waits there. */
  abandon(): void;
}

type Configs = ReadonlyMap<string, ListenerConfig>;

/** Listeners by name. */
export class ListenerTable {
  readonly #options: ListenerTableOptions;
  readonly #listeners = new Map<string, RunningListener>();
  // Those that are gone, each until its last connection has closed.
  readonly #closed = new Set<RunningListener>();
  #isDraining = false;

  constructor(options: ListenerTableOptions) {
    this.#options = options;
  }

  /** Those that are open. */
  all(): ReadonlyMap<string, RunningListener> {
    return this.#listeners;
  }

  /** Requests and TCP connections under way, of listeners that are gone as well. */
  get active(): number {
    let active = 0;
    for (const { chains } of this.#everyone()) active += chains.active;
    return active;
  }

  /** Connections that are open, wherever on their way they are; of listeners that are gone, too. */
  get connections(): number {
    let connections = 0;
    for (const { listener } of this.#everyone()) connections += listener.numbers.active;
    return connections;
  }

  /**
   * Opens what these configurations need beside what there is. One change at a time.
   *
   * @throws Error when an address cannot be listened on; nothing has changed then
   */
  async prepare(configs: Configs): Promise<ListenerChange> {
    const opened = new Map<string, RunningListener>();
    const abandon = (): void => {
      for (const running of opened.values()) destroy(running);
    };
    const inTheWay = new Set(
      this.#options.reusePort ? [] : this.#leaving(configs).map(([, { port }]) => port),
    );
    try {
      for (const [name, config] of configs) {
        if (this.#stays(name, config) || inTheWay.has(config.port)) continue;
        opened.set(name, await this.#open(name, config));
      }
    } catch (error) {
      abandon();
      throw error;
    }
    return { commit: () => this.#commit(configs, opened), abandon };
  }

  /** Takes no more connections, and lets what is under way end. */
  drain(): void {
    this.#isDraining = true;
    for (const { listener, chains } of this.#listeners.values()) {
      listener.close();
      chains.drain();
    }
  }

  /** Ends everything now. */
  destroy(): void {
    for (const running of this.#everyone()) destroy(running);
    this.#listeners.clear();
    this.#closed.clear();
  }

  async #commit(configs: Configs, opened: Map<string, RunningListener>): Promise<void> {
    for (const [name, running] of this.#leaving(configs)) {
      running.listener.close();
      running.chains.drain();
      this.#closed.add(running);
      this.#listeners.delete(name);
    }
    for (const one of this.#closed) if (one.listener.numbers.active === 0) this.#closed.delete(one);
    const late: [string, ListenerConfig][] = [];
    for (const [name, config] of configs) {
      const known = this.#listeners.get(name);
      const fresh = opened.get(name);
      if (fresh !== undefined) this.#admit(name, fresh);
      else if (known === undefined) late.push([name, config]);
      else {
        known.listener.update(config);
        known.chains.update(config);
      }
    }
    for (const [name, config] of late) this.#admit(name, await this.#open(name, config));
  }

  #admit(name: string, running: RunningListener): void {
    if (this.#isDraining) {
      destroy(running);
      return;
    }
    this.#listeners.set(name, running);
    running.listener.admit();
  }

  async #open(name: string, config: ListenerConfig): Promise<RunningListener> {
    const { clock, reusePort, makeChains } = this.#options;
    const managers: RunningListener["managers"] = new Map();
    const chains = makeChains(name, managers);
    chains.update(config);
    const listener = new Listener(config, { clock, chains, reusePort });
    const port = await listener.listen();
    return { listener, chains, managers, port };
  }

  #stays(name: string, config: ListenerConfig | undefined): boolean {
    const known = this.#listeners.get(name)?.listener.config;
    if (known === undefined || config === undefined) return false;
    return known.address === config.address && known.port === config.port;
  }

  #leaving(configs: Configs): [string, RunningListener][] {
    return [...this.#listeners].filter(([name]) => !this.#stays(name, configs.get(name)));
  }

  *#everyone(): Iterable<RunningListener> {
    yield* this.#listeners.values();
    yield* this.#closed;
  }
}

function destroy({ listener, chains }: RunningListener): void {
  listener.close();
  chains.destroy();
  listener.destroy();
}
