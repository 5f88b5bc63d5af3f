// The clusters of a proxy by their names, and how others take their place. A change is made in two
// steps, so that no request meets a cluster which is not ready:
//
//     prepare   what is new or has changed is made and warmed beside what serves
//     commit    all of it at once takes its place; what was replaced is drained
//     abandon   or it never happened: what was made for it is gone
//
// A cluster that is the same but for its endpoints is no new one (cluster.proto has EDS for that):
// its hosts keep their connections, health, ejections and latencies.
//
// Warming has a bound of time (Envoy's initial_fetch_timeout is as long): a host that does not
// answer must not keep a configuration from coming into force.
import type { Clock } from "@compendium/runtime";
import type { ClusterConfig } from "../config/cluster-config.ts";
import type { UpstreamCluster } from "./upstream-cluster.ts";

/** What a table of clusters is made of. */
export interface ClusterTableOptions {
  /** Makes one that does nothing yet; `onDrained` is to be called when it has ended. */
  readonly make: (config: ClusterConfig, onDrained: () => void) => UpstreamCluster;
  readonly clock: Clock;
  readonly warmTimeoutMs: number;
}

/** A change that is warm: one of the two follows, without waiting. */
export interface ClusterChange {
  commit(): void;
  /** Hosts that were to join leave, with what is under way to them. */
  abandon(): void;
}

interface Plan {
  readonly next: Map<string, UpstreamCluster>;
  readonly fresh: UpstreamCluster[];
  /** Those to wait for: a cluster that has not changed is none, whatever it is doing. */
  readonly cold: UpstreamCluster[];
  readonly updated: (readonly [cluster: UpstreamCluster, config: ClusterConfig])[];
}

/** Clusters by name. */
export class ClusterTable {
  /** How often a change came into force before all of it was warm. */
  warmTimeouts = 0;
  readonly #options: ClusterTableOptions;
  // Replaced ones, each until its last request has ended.
  readonly #retired = new Set<UpstreamCluster>();
  #clusters: ReadonlyMap<string, UpstreamCluster> = new Map();

  constructor(options: ClusterTableOptions) {
    this.#options = options;
  }

  /** The cluster that serves under this name. */
  get(name: string): UpstreamCluster | undefined {
    return this.#clusters.get(name);
  }

  /** All that serve. */
  all(): ReadonlyMap<string, UpstreamCluster> {
    return this.#clusters;
  }

  /**
   * Warms what these configurations need. One change at a time.
   *
   * @param signal gives the change up: `undefined`, and what was made for it is gone
   */
  async prepare(
    configs: ReadonlyMap<string, ClusterConfig>,
    signal: AbortSignal,
  ): Promise<ClusterChange | undefined> {
    const plan = this.#plan(configs);
    await this.#warm(plan.cold, signal);
    const change = { commit: () => this.#commit(plan), abandon: () => abandon(plan) };
    if (!signal.aborted) return change;
    change.abandon();
    return undefined;
  }

  /** Ends all of them now. */
  destroy(): void {
    for (const cluster of [...this.#clusters.values(), ...this.#retired]) cluster.destroy();
    this.#clusters = new Map();
    this.#retired.clear();
  }

  #plan(configs: ReadonlyMap<string, ClusterConfig>): Plan {
    const plan: Plan = { next: new Map(), fresh: [], cold: [], updated: [] };
    for (const [name, config] of configs) {
      const known = this.#clusters.get(name);
      if (known?.accepts(config)) {
        if (known.prepare(config)) plan.cold.push(known);
        plan.updated.push([known, config]);
        plan.next.set(name, known);
      } else {
        const cluster = this.#options.make(config, () => this.#retired.delete(cluster));
        cluster.start();
        plan.fresh.push(cluster);
        if (!cluster.isWarm && config.waitsForWarm) plan.cold.push(cluster);
        plan.next.set(name, cluster);
      }
    }
    return plan;
  }

  async #warm(cold: readonly UpstreamCluster[], signal: AbortSignal): Promise<void> {
    if (cold.length === 0 || signal.aborted) return;
    const { clock, warmTimeoutMs } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.setTimer(clock.now() + warmTimeoutMs, () => {
      this.warmTimeouts++;
      resolve();
    });
    const giveUp = (): void => resolve();
    signal.addEventListener("abort", giveUp);
    try {
      await Promise.race([promise, Promise.all(cold.map((cluster) => cluster.whenWarm()))]);
    } finally {
      timer[Symbol.dispose]();
      signal.removeEventListener("abort", giveUp);
    }
  }

  #commit({ next, updated }: Plan): void {
    for (const [cluster, config] of updated) cluster.update(config);
    const before = this.#clusters;
    this.#clusters = next;
    for (const [name, cluster] of before) {
      if (next.get(name) === cluster) continue;
      this.#retired.add(cluster);
      cluster.drain();
    }
  }
}

function abandon({ fresh, updated }: Plan): void {
  for (const cluster of fresh) cluster.destroy();
  for (const [cluster] of updated) cluster.abandon();
}
