// Circuit breakers as Envoy has them (config.cluster.v3.CircuitBreakers; resource_manager_impl.h):
// not a machine that opens and rests, but four limits on what may be under way to a cluster at a
// time. They answer overload with an error at once, instead of with a queue that everybody waits
// in.
//
// Retries are the dangerous kind of load, because they grow as things get worse. Under a retry
// budget they may be a percentage of all that is under way, themselves included: with 20 % a
// cluster that fails entirely gets 1 / (1 - 0.2) = 1.25 times its load, and no more. A small number
// is always allowed, or a quiet service could never retry at all.
import type { Thresholds } from "../config/cluster-config.ts";

/** What is limited. */
export type Resource = "connections" | "pending" | "requests" | "retries";

/** What may be under way to one cluster, for one priority of routes. */
export class Breakers {
  readonly #thresholds: Thresholds;
  // Invariant: 0 <= active, and every take that was granted is given back once.
  readonly #active: Record<Resource, number> = zero();
  readonly #refused: Record<Resource, number> = zero();

  constructor(thresholds: Thresholds) {
    this.#thresholds = thresholds;
  }

  /** Counts one in, or refuses, which is counted too. Whoever got it gives it back. */
  take(resource: Resource): boolean {
    if (!this.allows(resource)) {
      this.#refused[resource]++;
      return false;
    }
    this.#active[resource]++;
    return true;
  }

  /** Gives back what was taken. */
  give(resource: Resource): void {
    this.#active[resource]--;
  }

  /** Whether one more would be granted now. */
  allows(resource: Resource): boolean {
    return this.#active[resource] < this.limit(resource);
  }

  /** How many may be under way. With a budget, that of retries moves with the others. */
  limit(resource: Resource): number {
    switch (resource) {
      case "connections":
        return this.#thresholds.connectionsMax;
      case "pending":
        return this.#thresholds.pendingMax;
      case "requests":
        return this.#thresholds.requestsMax;
      case "retries":
        return this.#retriesMax();
    }
  }

  /** How many are under way. */
  active(resource: Resource): number {
    return this.#active[resource];
  }

  /** How many were refused since the beginning. */
  refused(resource: Resource): number {
    return this.#refused[resource];
  }

  #retriesMax(): number {
    const { retryBudget, retriesMax } = this.#thresholds;
    if (retryBudget === undefined) return retriesMax;
    const underWay = this.#active.requests + this.#active.pending;
    const share = Math.floor((retryBudget.percent * underWay) / 100);
    return Math.max(share, retryBudget.retriesMin);
  }
}

function zero(): Record<Resource, number> {
  return { connections: 0, pending: 0, requests: 0, retries: 0 };
}
