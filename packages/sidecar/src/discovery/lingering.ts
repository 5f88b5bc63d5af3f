// Hosts that discovery tells of no longer, and that are well. DNS is right in the end, and wrong
// for a while: a server that lost half of a list must not take half of a cluster down. So where
// health checks know better, a host stays until they find it sick (Envoy's "Eventually consistent
// service discovery"):
//
//                    told of         not told of
//     well           used            used
//     sick           not used        gone
import { type Host, ipOf } from "../cluster/host.ts";
import { addressOf, type HostGroup } from "../cluster/host-set.ts";
import type { EndpointConfig, LocalityEndpoints } from "../config/cluster-config.ts";

/**
 * What was found, and with it the hosts that are here and well. O(hosts).
 *
 * @param groups of the cluster as it is, in the order of the localities that were found
 */
export function withLingering(
  found: readonly LocalityEndpoints[],
  groups: readonly HostGroup[],
): readonly LocalityEndpoints[] {
  const told = new Set(found.flatMap(({ endpoints }) => endpoints.map(addressOf)));
  return found.map((locality, i) => {
    const hosts = groups[i]?.hosts ?? [];
    const lingering = hosts.filter((host) => host.isHealthy && !told.has(host.address));
    return { ...locality, endpoints: [...locality.endpoints, ...lingering.map(endpointOf)] };
  });
}

function endpointOf(host: Host): EndpointConfig {
  const { port, hostname, weight, metadata } = host;
  return { address: ipOf(host), port, hostname, weight, metadata };
}
