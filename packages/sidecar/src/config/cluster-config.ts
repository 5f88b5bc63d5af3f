// Clusters as they are compiled: hosts that can stand in for each other, how one of them is chosen,
// what may be under way to them, and how it is found out that one is not well.
import type { AddressConfig, UpstreamTlsConfig } from "./listener-config.ts";

/** Hosts that can stand in for each other. */
export interface ClusterConfig {
  readonly name: string;
  readonly connectTimeoutMs: number;
  readonly discovery: "static" | "strict-dns";
  readonly dnsRefreshMs: number;
  /** Which addresses of a name are hosts; "auto": those of IPv6, and where there are none, IPv4. */
  readonly dnsFamily: "auto" | "v4-only" | "v6-only" | "v4-preferred" | "all";
  readonly endpoints: readonly LocalityEndpoints[];
  readonly balancer: BalancerConfig;
  readonly overprovisioningFactor: number;
  /** In percent of hosts; with fewer healthy ones health is not looked at. Default: 50. */
  readonly panicThreshold: number;
  readonly usesLocalityWeights: boolean;
  readonly slowStart: SlowStartConfig | undefined;
  readonly subsets: SubsetConfig | undefined;
  readonly breakers: { readonly default: Thresholds; readonly high: Thresholds };
  readonly outliers: OutlierConfig | undefined;
  readonly healthChecks: readonly HealthCheckConfig[];
  /** Whether it takes up its work only when names are looked up and hosts were asked. */
  readonly waitsForWarm: boolean;
  readonly protocol: "http1" | "http2" | "downstream";
  readonly tls: UpstreamTlsConfig | undefined;
  readonly idleTimeoutMs: number;
  /** Of one connection; 0: no bound. */
  readonly requestsPerConnectionMax: number;
  readonly connectionLifetimeMs: number | undefined;
  readonly concurrentStreamsMax: number;
  readonly bufferBytesMax: number;
}

/** Hosts of one place and priority. */
export interface LocalityEndpoints {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  readonly priority: number;
  readonly weight: number;
  readonly endpoints: readonly EndpointConfig[];
}

/** One of them. */
export interface EndpointConfig extends AddressConfig {
  readonly hostname: string;
  readonly weight: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** How a host is chosen. */
export type BalancerConfig =
  | { readonly kind: "round-robin" | "random" }
  | { readonly kind: "least-request"; readonly choices: number; readonly activeBias: number }
  /** A host's cost is its latency, remembered for `decayMs`, times what it has in hand. */
  | { readonly kind: "peak-ewma"; readonly decayMs: number }
  | { readonly kind: "ring-hash"; readonly sizeMin: number; readonly sizeMax: number }
  /** The size is a prime. */
  | { readonly kind: "maglev"; readonly tableSize: number };

/** A host's weight grows while it is new. */
export interface SlowStartConfig {
  readonly windowMs: number;
  readonly aggression: number;
  /** In percent of its weight. */
  readonly weightMin: number;
}

/** Hosts by their metadata. */
export interface SubsetConfig {
  /** Keys in groups, each group sorted. */
  readonly selectors: readonly (readonly string[])[];
  readonly fallback: "none" | "any" | "default";
  readonly default: Readonly<Record<string, string>>;
}

/** Circuit breakers, Envoy's kind: what may be under way at a time. */
export interface Thresholds {
  readonly connectionsMax: number;
  readonly pendingMax: number;
  readonly requestsMax: number;
  readonly retriesMax: number;
  readonly retryBudget: { readonly percent: number; readonly retriesMin: number } | undefined;
}

/** Outlier detection, with Envoy's names and defaults. Percentages are whole numbers. */
export interface OutlierConfig {
  readonly consecutive5xx: number;
  readonly enforcingConsecutive5xx: number;
  readonly consecutiveGatewayFailure: number;
  readonly enforcingConsecutiveGatewayFailure: number;
  readonly splitsLocalOrigin: boolean;
  readonly consecutiveLocalOriginFailure: number;
  readonly enforcingConsecutiveLocalOriginFailure: number;
  readonly intervalMs: number;
  readonly baseEjectionTimeMs: number;
  readonly ejectionTimeMsMax: number;
  readonly ejectionTimeJitterMsMax: number;
  readonly ejectionPercentMax: number;
  readonly enforcingSuccessRate: number;
  readonly successRateMinimumHosts: number;
  readonly successRateRequestVolume: number;
  /** In thousandths: 1,900 is 1.9 standard deviations. */
  readonly successRateStdevFactor: number;
  readonly enforcingLocalOriginSuccessRate: number;
  readonly enforcingFailurePercentage: number;
  readonly failurePercentageThreshold: number;
  readonly failurePercentageMinimumHosts: number;
  readonly failurePercentageRequestVolume: number;
  readonly enforcingFailurePercentageLocalOrigin: number;
  /** Ejects one host even if the percentage would forbid it. */
  readonly alwaysEjectsOneHost: boolean;
}

/** Asking a host how it is. */
export interface HealthCheckConfig {
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly intervalJitterMs: number;
  readonly noTrafficIntervalMs: number;
  readonly unhealthyIntervalMs: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly check:
    | {
        readonly kind: "http";
        readonly host: string;
        readonly path: string;
        /** Ranges of status codes, the end excluded. */
        readonly expected: readonly (readonly [from: number, to: number])[];
      }
    | { readonly kind: "grpc"; readonly service: string; readonly authority: string }
    | { readonly kind: "tcp"; readonly send: Uint8Array; readonly receive: Uint8Array };
}
