// Slow start (Envoy's applySlowStartFactor). A host that has just come has cold caches, an
// untrained compiler and empty pools; with its full share at once it would answer its first
// requests late or not at all. So its weight grows over a window:
//
//     weight × max( (time since healthy / window) ^ (1 / aggression), weightMin )
//
// An aggression above 1 gives much early, below 1 little. Round robin and least request heed it, as
// in Envoy; with hashes it would move keys twice, and peak-EWMA finds out by itself.
import type { Clock } from "@compendium/runtime";
import { type Host, isAvailable } from "../cluster/host.ts";
import type { SlowStartConfig } from "../config/cluster-config.ts";

/** How much of their weights hosts get while they are new. */
export class SlowStart {
  readonly #config: SlowStartConfig;
  readonly #clock: Pick<Clock, "now">;

  constructor(config: SlowStartConfig, clock: Pick<Clock, "now">) {
    this.#config = config;
    this.#clock = clock;
  }

  /** Of the host's weight, a fraction above 0 and up to 1. */
  factor(host: Host): number {
    const { windowMs, aggression, weightMin } = this.#config;
    const forMs = this.#clock.now() - host.healthySinceMs;
    if (forMs >= windowMs || !isAvailable(host)) return 1;
    // Never 0: of a weight of nothing, an earliest deadline would never come.
    const ratio = Math.max(1, forMs) / windowMs;
    const grown = aggression === 1 ? ratio : ratio ** (1 / aggression);
    return Math.min(1, Math.max(grown, weightMin / 100));
  }

  /** Whether some host is still new: until then weights move. */
  concerns(hosts: readonly Host[]): boolean {
    return hosts.some((host) => this.factor(host) < 1);
  }
}
