// A split of requests, or of connections, among clusters by their weights.
import type { Random } from "@compendium/runtime";
import type { WeightedCluster } from "../config/route-config.ts";

/** The cluster that chance chooses; one alone needs no chance. O(clusters). */
export function shareOf(
  clusters: readonly WeightedCluster[],
  random: Pick<Random, "below">,
): WeightedCluster | undefined {
  if (clusters.length <= 1) return clusters[0];
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  let at = random.below(total);
  return clusters.find(({ weight }) => {
    at -= weight;
    return at < 0;
  });
}
