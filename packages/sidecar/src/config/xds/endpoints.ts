// Endpoints: which hosts a cluster has, where they are, and how much each can bear.
import type { EndpointConfig, LocalityEndpoints } from "../cluster-config.ts";
import {
  defaulted,
  ignored,
  type Message,
  message,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import { choice, integer, list, positive, refine, text, Unsupported } from "../schema/reader.ts";
import { metadata } from "./metadata.ts";
import { address } from "./types.ts";

const endpointAddress = refine(address, (read, node) => {
  return read.port > 0 ? read : node.fail("has port 0", "write the port that the host listens on");
});

const endpoint = message(
  "envoy.config.endpoint.v3.Endpoint",
  {
    address: required(endpointAddress),
    hostname: defaulted(text, ""),
    health_check_config: refused("check the port that is used"),
    additional_addresses: refused("write an endpoint for each address"),
  },
  (values) => values,
);

const lbEndpoint: Message<EndpointConfig> = message(
  "envoy.config.endpoint.v3.LbEndpoint",
  {
    endpoint: required(endpoint),
    endpoint_name: refused("write endpoint"),
    health_status: defaulted(
      choice("HealthStatus", {
        UNKNOWN: true,
        HEALTHY: true,
        UNHEALTHY: new Unsupported("take the endpoint out"),
        DRAINING: new Unsupported("take the endpoint out"),
        TIMEOUT: new Unsupported("take the endpoint out"),
        DEGRADED: new Unsupported("give it another priority"),
      }),
      true,
    ),
    load_balancing_weight: defaulted(positive, 1),
    metadata: defaulted(metadata, {}),
  },
  ({ endpoint: host, loadBalancingWeight: weight, metadata: labels }) => ({
    ...host.address,
    hostname: host.hostname,
    weight,
    metadata: labels,
  }),
);

const locality = message(
  "envoy.config.core.v3.Locality",
  { region: defaulted(text, ""), zone: defaulted(text, ""), sub_zone: defaulted(text, "") },
  ({ region, zone, subZone }) => ({ region, zone, subZone }),
);

const localityEndpoints: Message<LocalityEndpoints> = message(
  "envoy.config.endpoint.v3.LocalityLbEndpoints",
  {
    locality: defaulted(locality, { region: "", zone: "", subZone: "" }),
    lb_endpoints: defaulted(list(lbEndpoint), []),
    load_balancing_weight: defaulted(positive, 1),
    priority: defaulted(integer(0, 128), 0),
    metadata: ignored("nothing here looks at it"),
    load_balancer_endpoints: refused("write lb_endpoints"),
    leds_cluster_locality_config: refused("write lb_endpoints"),
    proximity: ignored("Envoy does not look at it either"),
  },
  (values) => ({
    ...values.locality,
    priority: values.priority,
    weight: values.loadBalancingWeight,
    endpoints: values.lbEndpoints,
  }),
);

const policy = message(
  "envoy.config.endpoint.v3.ClusterLoadAssignment.Policy",
  {
    overprovisioning_factor: defaulted(positive, 140),
    drop_overloads: refused("use the fault filter"),
    endpoint_stale_after: ignored("endpoints are written here"),
    weighted_priority_health: refused("take it out: hosts are counted"),
  },
  (values) => values.overprovisioningFactor,
);

/** The hosts of a cluster. */
export interface Assignment {
  readonly endpoints: readonly LocalityEndpoints[];
  readonly overprovisioningFactor: number;
}

/** The hosts of a cluster. */
export const loadAssignment: Message<Assignment> = message(
  "envoy.config.endpoint.v3.ClusterLoadAssignment",
  {
    cluster_name: optional(text),
    endpoints: defaulted(list(localityEndpoints), []),
    named_endpoints: refused("write endpoints"),
    policy: defaulted(policy, 140),
  },
  ({ endpoints, policy: overprovisioningFactor }, node) => {
    // Load goes from priority to priority by how many hosts are well; a gap would stop it there.
    const priorities = new Set(endpoints.map((one) => one.priority));
    for (let i = 0; i < priorities.size; i++) {
      if (priorities.has(i)) continue;
      node.fail(`has no endpoints of priority ${i}`, "number priorities from 0 without gaps");
    }
    return { endpoints, overprovisioningFactor };
  },
);
