// The hosts of a cluster, as discovery last told them. A host whose address stays keeps its object,
// and with it what is known about it: requests under way, latency, health, ejection. Without that,
// every push of a control plane would make sick hosts well and busy ones idle.
import type { EndpointConfig, LocalityEndpoints } from "../config/cluster-config.ts";
import { type Host, type Locality, makeHost } from "./host.ts";

/** Hosts of one place and priority. */
export interface HostGroup {
  readonly locality: Locality;
  readonly priority: number;
  /** Of the place, among those of its priority; 0: none was assigned. */
  readonly weight: number;
  readonly hosts: readonly Host[];
}

/** What an update has changed. */
export interface HostChanges {
  readonly added: readonly Host[];
  readonly removed: readonly Host[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The hosts of a cluster. */
export class HostSet {
  #groups: readonly HostGroup[] = [];
  #byAddress: ReadonlyMap<string, Host> = new Map();
  readonly #startsHealthy: boolean;

  /** @param startsHealthy false where active health checks have the first word */
  constructor({ startsHealthy }: { readonly startsHealthy: boolean }) {
    this.#startsHealthy = startsHealthy;
  }

  /** Places with their hosts, in the order in which they were told. */
  get groups(): readonly HostGroup[] {
    return this.#groups;
  }

  /** How many hosts there are. */
  get size(): number {
    return this.#byAddress.size;
  }

  /** All hosts, each once. */
  hosts(): Iterable<Host> {
    return this.#byAddress.values();
  }

  /** The host of that address and port, such as "10.0.0.1:8080" or "[::1]:8080". */
  get(address: string): Host | undefined {
    return this.#byAddress.get(address);
  }

  /**
   * Takes over new endpoints; O(hosts). Weight, priority, place and metadata of a host that stays
   * may have changed. An address that is told twice counts once, the first time.
   */
  update(localities: readonly LocalityEndpoints[], nowMs: number): HostChanges {
    const before = this.#byAddress;
    const after = new Map<string, Host>();
    const added: Host[] = [];
    this.#groups = localities.map(({ region, zone, subZone, priority, weight, endpoints }) => {
      const locality = { region, zone, subZone };
      const hosts: Host[] = [];
      for (const endpoint of endpoints) {
        const address = addressOf(endpoint);
        if (after.has(address)) continue;
        const known = before.get(address);
        const host: Mutable<Host> = known ?? this.#makeHost(address, endpoint, nowMs);
        host.hostname = endpoint.hostname;
        host.weight = endpoint.weight;
        host.metadata = endpoint.metadata;
        host.priority = priority;
        host.locality = locality;
        if (known === undefined) added.push(host);
        after.set(address, host);
        hosts.push(host);
      }
      return { locality, priority, weight, hosts };
    });
    this.#byAddress = after;
    const removed = [...before.values()].filter(({ address }) => !after.has(address));
    return { added, removed };
  }

  #makeHost(address: string, { port }: EndpointConfig, nowMs: number): Host {
    return makeHost({ address, port, joinedAtMs: nowMs, isHealthy: this.#startsHealthy });
  }
}

/** What a host is known by. */
export function addressOf({ address, port }: Pick<EndpointConfig, "address" | "port">): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
