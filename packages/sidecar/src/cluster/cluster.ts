// A cluster as the router sees it: it asks for a host, says when a request begins and how it ends,
// and the parts do the rest.
//
//     choose ──▶ subset ──▶ priority ──▶ locality ──▶ algorithm ──▶ host
//     end    ──▶ the host's numbers, its latency, the outlier detector
//
// When a host comes, goes, turns healthy or unhealthy, is ejected or returns, the balancer is
// forgotten, and the next choice makes another: a burst of changes costs one rebuild, and none if
// nobody asks. Sweeps, health checks and discovery have clocks of their own, and call in from
// outside.
import type { Clock, Random } from "@compendium/runtime";
import type { Balancer, ChooseContext } from "../balance/balancer.ts";
import type { BalanceSettings } from "../balance/level.ts";
import { observeLatency } from "../balance/peak-ewma.ts";
import { type BalanceNumbers, PriorityBalancer } from "../balance/priority-balancer.ts";
import { SlowStart } from "../balance/slow-start.ts";
import { SubsetBalancer } from "../balance/subset-balancer.ts";
import type { ClusterConfig, LocalityEndpoints } from "../config/cluster-config.ts";
import { OutlierDetector } from "../outlier/outlier-detector.ts";
import type { OutlierResult } from "../outlier/outlier-kinds.ts";
import { Breakers } from "./breakers.ts";
import { type Host, isAvailable } from "./host.ts";
import { type HostChanges, HostSet } from "./host-set.ts";

/** What a cluster asks of the world. */
export interface ClusterOptions {
  readonly config: ClusterConfig;
  readonly clock: Pick<Clock, "now">;
  readonly random: Pick<Random, "below">;
  /** A host was ejected, or was found unhealthy. */
  readonly onUnwell?: (host: Host) => void;
}

/** Numbers of a cluster that stand on no host. */
export interface ClusterNumbers extends BalanceNumbers {
  /** How often the balancer was made. */
  rebuilds: number;
  /** Choices that found no host. */
  noHost: number;
}

/** Hosts, and the choice among them. */
export class Cluster implements Balancer {
  /** As it began; the endpoints may have changed since then. */
  readonly config: ClusterConfig;
  readonly hosts: HostSet;
  /** By the priority of the route. */
  readonly breakers: { readonly default: Breakers; readonly high: Breakers };
  /** Its owner calls `sweep` every `intervalMs`. */
  readonly outliers: OutlierDetector | undefined;
  /** Counts, to be read. */
  readonly numbers: ClusterNumbers = { panics: 0, subsetFallbacks: 0, rebuilds: 0, noHost: 0 };
  readonly #clock: Pick<Clock, "now">;
  readonly #settings: BalanceSettings;
  readonly #onUnwell: ClusterOptions["onUnwell"];
  #balancer: Balancer | undefined;
  #hasTraffic = false;

  constructor({ config, clock, random, onUnwell }: ClusterOptions) {
    this.config = config;
    this.#onUnwell = onUnwell;
    this.#clock = clock;
    this.hosts = new HostSet({ startsHealthy: config.healthChecks.length === 0 });
    this.breakers = {
      default: new Breakers(config.breakers.default),
      high: new Breakers(config.breakers.high),
    };
    const { slowStart, outliers } = config;
    this.#settings = {
      ...config,
      slowStart: slowStart && new SlowStart(slowStart, clock),
      clock,
      random,
    };
    if (outliers !== undefined) {
      const onChange = (host: Host): void => {
        this.hostChanged();
        if (host.isEjected) this.#onUnwell?.(host);
      };
      this.outliers = new OutlierDetector({ config: outliers, clock, random, onChange });
    }
    // Names are no addresses: the hosts of such a cluster are told by its discovery.
    this.update(config.discovery === "static" ? config.endpoints : []);
  }

  /** Takes over new endpoints; hosts whose address stays are the same objects. */
  update(endpoints: readonly LocalityEndpoints[]): HostChanges {
    const changes = this.hosts.update(endpoints, this.#clock.now());
    this.outliers?.setHosts(this.hosts.hosts());
    this.hostChanged();
    return changes;
  }

  /** Some host's standing has changed; the next choice looks at all of them anew. */
  hostChanged(): void {
    this.#balancer = undefined;
  }

  /**
   * An active health check has judged: what `onChecked` of its checks is for. A success brings an
   * ejected host back at once (Envoy's `successful_active_health_check_uneject_host`, which is on
   * by default).
   */
  healthChecked(host: Host, hasChanged: boolean): void {
    if (hasChanged) this.hostChanged();
    if (host.isHealthy) this.outliers?.healthCheckPassed(host);
    else if (hasChanged) this.#onUnwell?.(host);
  }

  choose(context: ChooseContext): Host | undefined {
    this.#balancer ??= this.#makeBalancer();
    const host = this.#balancer.choose(context);
    if (host === undefined) this.numbers.noHost++;
    return host;
  }

  /** How many hosts are sent requests. O(hosts). */
  get availableHosts(): number {
    let available = 0;
    for (const host of this.hosts.hosts()) if (isAvailable(host)) available++;
    return available;
  }

  /** Whether anything was ever sent to it: until then health checks take their time. */
  get hasTraffic(): boolean {
    return this.#hasTraffic;
  }

  /** A request goes to this host: {@link end} must follow. */
  begin(host: Host): void {
    this.#hasTraffic = true;
    host.numbers.requests++;
    host.numbers.activeRequests++;
  }

  /** A connection was made for a request that goes on. Told only where local origins are split. */
  connected(host: Host): void {
    if (this.config.outliers?.splitsLocalOrigin) this.outliers?.report(host, "connected");
  }

  /**
   * A request has ended with a status, without one, or because nobody wanted it any more
   * ("cancelled": that says nothing about the host).
   *
   * @param latencyMs since it began
   */
  end(host: Host, outcome: number | OutlierResult | "cancelled", latencyMs: number): void {
    const { numbers } = host;
    numbers.activeRequests--;
    if (outcome === "cancelled") return;
    if (isFailure(outcome)) numbers.failures++;
    const { balancer } = this.config;
    if (balancer.kind === "peak-ewma") {
      observeLatency(host, latencyMs, this.#clock.now(), balancer.decayMs);
    }
    if (typeof outcome === "number") this.outliers?.reportStatus(host, outcome);
    else this.outliers?.report(host, outcome);
  }

  #makeBalancer(): Balancer {
    this.numbers.rebuilds++;
    const { subsets } = this.config;
    const { groups } = this.hosts;
    return subsets === undefined
      ? new PriorityBalancer(groups, this.#settings, this.numbers)
      : new SubsetBalancer(groups, subsets, this.#settings, this.numbers);
  }
}

function isFailure(outcome: number | OutlierResult): boolean {
  if (typeof outcome === "number") return outcome >= 500;
  return outcome === "failed" || outcome === "connect-failed" || outcome === "timed-out";
}
