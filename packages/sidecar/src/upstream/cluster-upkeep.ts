// What a cluster does by itself, without a request: it looks its names up, asks its hosts how they
// are, and takes ejected ones back. Envoy's cluster implementations do the first two and say when
// they are initialized; here that is `isWarm`:
//
//     names are looked up ──▶ hosts ──▶ each is asked once ──▶ warm
//
// Neither step can last for ever: a lookup and a probe have a time each, and a failure ends them as
// well as a success. Nothing here has a timer before `start`, or after it was disposed.
import type { Clock, Random } from "@compendium/runtime";
import type { Cluster } from "../cluster/cluster.ts";
import type { Host } from "../cluster/host.ts";
import type { HostChanges } from "../cluster/host-set.ts";
import type { ClientCodec } from "../codec/codec.ts";
import type { LocalityEndpoints } from "../config/cluster-config.ts";
import { withLingering } from "../discovery/lingering.ts";
import type { Resolver } from "../discovery/resolver.ts";
import { type DnsNumbers, StrictDns } from "../discovery/strict-dns.ts";
import { ClusterHealth } from "../health/cluster-health.ts";
import type { HealthNumbers } from "../health/health-checker.ts";
import { makeProbe } from "../health/probes/make-probe.ts";
import type { Connector } from "./connect.ts";

/** What the upkeep of a cluster is made of. */
export interface ClusterUpkeepOptions {
  readonly cluster: Cluster;
  /** Probes use what requests use. */
  readonly codec: ClientCodec;
  readonly connector: Connector;
  readonly resolver: Resolver;
  readonly clock: Clock;
  readonly random: Random;
  /** The host is in the cluster no longer. */
  readonly onLeft: (host: Host) => void;
}

/** Counts since the beginning; `undefined` where the configuration does not ask for it. */
export interface UpkeepNumbers {
  readonly dns: DnsNumbers | undefined;
  readonly health: HealthNumbers | undefined;
}

/** Keeps one cluster up, until it is disposed. */
export class ClusterUpkeep implements Disposable {
  readonly #options: ClusterUpkeepOptions;
  readonly #dns: StrictDns | undefined;
  readonly #health: ClusterHealth | undefined;
  // What DNS has told last.
  #found: readonly LocalityEndpoints[] | undefined;
  // Of those that wait until it is warm.
  #waiting: (() => void)[] = [];
  #sweep: Disposable | undefined;
  #state: "new" | "running" | "stopped" = "new";

  constructor(options: ClusterUpkeepOptions) {
    this.#options = options;
    const { cluster, clock, random, resolver } = options;
    const { discovery, endpoints, dnsRefreshMs: refreshMs, healthChecks: checks } = cluster.config;
    if (checks.length > 0) {
      this.#health = new ClusterHealth({
        checks,
        probeOf: ({ check, timeoutMs }) =>
          makeProbe(check, { ...options, protocol: cluster.config.protocol, timeoutMs }),
        clock,
        random,
        hasTraffic: () => cluster.hasTraffic,
        onChecked: (host, hasChanged) => this.#onChecked(host, hasChanged),
      });
    }
    if (discovery === "strict-dns") {
      this.#dns = new StrictDns({
        endpoints,
        refreshMs,
        family: cluster.config.dnsFamily,
        resolver,
        clock,
        random,
        onEndpoints: (found) => this.#onFound(found),
        onReady: () => this.#checkWarm(),
      });
    }
  }

  /** Begins; again does nothing. */
  start(): void {
    if (this.#state !== "new") return;
    this.#state = "running";
    this.#health?.follow({ added: [...this.#options.cluster.hosts.hosts()], removed: [] });
    this.#dns?.start();
    this.#scheduleSweep();
  }

  /** The hosts are these from now on. */
  update(endpoints: readonly LocalityEndpoints[]): void {
    if (this.#state === "stopped") return;
    const changes = this.#options.cluster.update(endpoints);
    this.#follow(changes);
  }

  /** Something else has proved the host unhealthy. */
  failHealth(host: Host): void {
    this.#health?.failNow(host);
  }

  /** Whether every name was looked up, and every host was asked how it is, at least once. */
  get isWarm(): boolean {
    if (this.#state === "new") return this.#dns === undefined && this.#health === undefined;
    return (this.#dns?.isReady ?? true) && (this.#health?.isJudged ?? true);
  }

  /** Settles when it is warm, or has been stopped. */
  whenWarm(): Promise<void> {
    if (this.isWarm || this.#state === "stopped") return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  get numbers(): UpkeepNumbers {
    return { dns: this.#dns?.numbers, health: this.#health?.numbers };
  }

  [Symbol.dispose](): void {
    this.#state = "stopped";
    this.#sweep?.[Symbol.dispose]();
    this.#dns?.[Symbol.dispose]();
    this.#health?.[Symbol.dispose]();
    this.#wake();
  }

  #follow(changes: HostChanges): void {
    for (const host of changes.removed) this.#options.onLeft(host);
    if (this.#state === "running") this.#health?.follow(changes);
    // Whoever was waited for may have left.
    this.#checkWarm();
  }

  #onFound(found: readonly LocalityEndpoints[]): void {
    this.#found = found;
    const { groups } = this.#options.cluster.hosts;
    this.update(this.#health === undefined ? found : withLingering(found, groups));
  }

  #onChecked(host: Host, hasChanged: boolean): void {
    this.#options.cluster.healthChecked(host, hasChanged);
    // Perhaps it was there only because it was well.
    if (hasChanged && !host.isHealthy && this.#found !== undefined) this.#onFound(this.#found);
    this.#checkWarm();
  }

  #checkWarm(): void {
    if (this.#waiting.length > 0 && this.isWarm) this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #scheduleSweep(): void {
    const { clock, cluster } = this.#options;
    const { outliers, config } = cluster;
    if (outliers === undefined || config.outliers === undefined) return;
    this.#sweep = clock.setTimer(clock.now() + config.outliers.intervalMs, () => {
      outliers.sweep();
      this.#scheduleSweep();
    });
  }
}
