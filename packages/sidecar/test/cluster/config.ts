// A cluster's configuration with Envoy's defaults, for tests to change.
import type {
  ClusterConfig,
  EndpointConfig,
  LocalityEndpoints,
} from "../../src/config/cluster-config.ts";

export function clusterConfig(more: Partial<ClusterConfig> = {}): ClusterConfig {
  const thresholds = {
    connectionsMax: 1_024,
    pendingMax: 1_024,
    requestsMax: 1_024,
    retriesMax: 3,
    retryBudget: undefined,
  };
  return {
    name: "backend",
    connectTimeoutMs: 5_000,
    discovery: "static",
    dnsRefreshMs: 5_000,
    dnsFamily: "auto",
    endpoints: [],
    balancer: { kind: "round-robin" },
    overprovisioningFactor: 140,
    panicThreshold: 50,
    usesLocalityWeights: false,
    slowStart: undefined,
    subsets: undefined,
    breakers: { default: thresholds, high: thresholds },
    outliers: undefined,
    healthChecks: [],
    waitsForWarm: true,
    protocol: "http1",
    tls: undefined,
    idleTimeoutMs: 3_600_000,
    requestsPerConnectionMax: 0,
    connectionLifetimeMs: undefined,
    concurrentStreamsMax: 100,
    bufferBytesMax: 1_048_576,
    ...more,
  };
}

export function endpoint(address: string, more: Partial<EndpointConfig> = {}): EndpointConfig {
  return { address, port: 80, hostname: "", weight: 1, metadata: {}, ...more };
}

export function locality(
  endpoints: readonly EndpointConfig[],
  more: Partial<LocalityEndpoints> = {},
): LocalityEndpoints {
  return { region: "", zone: "", subZone: "", priority: 0, weight: 0, endpoints, ...more };
}
