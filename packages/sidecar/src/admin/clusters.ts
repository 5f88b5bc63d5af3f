// `/clusters`: who is in each cluster, how each host is, and what the breakers allow. The text is
// Envoy's, name::name::value, line by line; what this proxy does not count is left out. What is
// shown is a plain value first, because it may come from another process, or from several.
import { type Host, ipOf } from "../cluster/host.ts";
import type { Thresholds } from "../config/cluster-config.ts";
import type { MeasurableCluster } from "../observe/measurable.ts";
import { type Endpoint, json, text } from "./endpoint.ts";

/** A cluster, as it was when somebody asked. */
export interface ClusterStatus {
  readonly name: string;
  readonly breakers: { readonly default: Limits; readonly high: Limits };
  /** Of outlier detection; without it `undefined`, and `undefined` where nobody was judged. */
  readonly outliers:
    | { readonly mean: number | undefined; readonly threshold: number | undefined }
    | undefined;
  readonly hosts: readonly HostStatus[];
}

/** The limits of a breaker that `/clusters` shows. */
export type Limits = Pick<Thresholds, keyof typeof limitNames>;

/** A host, as it was when somebody asked. */
export interface HostStatus {
  readonly address: string;
  readonly ip: string;
  readonly port: number;
  readonly hostname: string;
  /** By Envoy's names. */
  readonly numbers: Readonly<Record<HostNumber, number>>;
  readonly isHealthy: boolean;
  readonly isEjected: boolean;
  readonly weight: number;
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  readonly priority: number;
}

/** What is counted of a host. */
export type HostNumber = "cx_active" | "rq_active" | "rq_error" | "rq_success" | "rq_total";

/** `/clusters`. */
export const clusters: Endpoint = {
  path: "/clusters",
  help: "upstream cluster status",
  mutates: false,
  parameters: { format: ["text", "json"] },
  answer: async (query, subject) => {
    const all = await subject.clusters();
    if (query.get("format") === "json") return json({ cluster_statuses: all.map(jsonOf) });
    return text(
      all
        .flatMap(linesOf)
        .map((line) => `${line}\n`)
        .join(""),
    );
  },
};

/** What there is to show of a cluster now. */
export function statusOf({ name, cluster }: MeasurableCluster): ClusterStatus {
  const { breakers } = cluster.config;
  const external = cluster.outliers?.thresholds.external;
  return {
    name,
    breakers: { default: limitsIn(breakers.default), high: limitsIn(breakers.high) },
    outliers: cluster.outliers && { mean: external?.mean, threshold: external?.threshold },
    hosts: [...cluster.hosts.hosts()].map(hostOf),
  };
}

function limitsIn({ connectionsMax, pendingMax, requestsMax, retriesMax }: Thresholds): Limits {
  return { connectionsMax, pendingMax, requestsMax, retriesMax };
}

function hostOf(host: Host): HostStatus {
  const { numbers, locality, address, port, hostname, isHealthy, isEjected, weight } = host;
  const { requests, failures, activeRequests } = numbers;
  return {
    address,
    ip: ipOf(host),
    port,
    hostname,
    numbers: {
      cx_active: numbers.activeConnections,
      rq_active: activeRequests,
      rq_error: failures,
      rq_success: Math.max(0, requests - failures - activeRequests),
      rq_total: requests,
    },
    isHealthy,
    isEjected,
    weight,
    region: locality.region,
    zone: locality.zone,
    subZone: locality.subZone,
    priority: host.priority,
  };
}

function linesOf({ name, breakers, outliers, hosts }: ClusterStatus): string[] {
  const lines = [
    `observability_name::${name}`,
    ...limitsOf("default", breakers.default),
    ...limitsOf("high", breakers.high),
    "added_via_api::false",
  ];
  if (outliers !== undefined) {
    lines.push(`outlier::success_rate_average::${rounded(outliers.mean)}`);
    lines.push(`outlier::success_rate_ejection_threshold::${rounded(outliers.threshold)}`);
  }
  for (const host of hosts) {
    for (const [key, value] of hostStats(host)) lines.push(`${host.address}::${key}::${value}`);
  }
  return lines.map((line) => `${name}::${line}`);
}

function limitsOf(priority: string, limits: Limits): string[] {
  return Object.entries(limitNames).map(([key, name]) => {
    return `${priority}_priority::${name}::${limits[key as keyof typeof limitNames]}`;
  });
}

const limitNames = {
  connectionsMax: "max_connections",
  pendingMax: "max_pending_requests",
  requestsMax: "max_requests",
  retriesMax: "max_retries",
} as const;

function hostStats(host: HostStatus): [name: string, value: string | number][] {
  return [
    ...Object.entries(host.numbers),
    ["hostname", host.hostname],
    ["health_flags", healthFlags(host)],
    ["weight", host.weight],
    ["region", host.region],
    ["zone", host.zone],
    ["sub_zone", host.subZone],
    ["priority", host.priority],
  ];
}

function healthFlags({ isHealthy, isEjected }: HostStatus): string {
  const flags = [
    ...(isHealthy ? [] : ["/failed_active_hc"]),
    ...(isEjected ? ["/failed_outlier_check"] : []),
  ];
  return flags.join("") || "healthy";
}

function jsonOf({ name, breakers, hosts }: ClusterStatus): unknown {
  return {
    name,
    observability_name: name,
    circuit_breakers: {
      thresholds: [
        { priority: "DEFAULT", ...thresholdsOf(breakers.default) },
        { priority: "HIGH", ...thresholdsOf(breakers.high) },
      ],
    },
    host_statuses: hosts.map(hostStatus),
  };
}

function thresholdsOf(limits: Limits): Record<string, number> {
  return Object.fromEntries(
    Object.entries(limitNames).map(([key, name]) => [name, limits[key as keyof typeof limitNames]]),
  );
}

function hostStatus(host: HostStatus): unknown {
  const gauges = new Set(["cx_active", "rq_active"]);
  const { region, zone, subZone: sub_zone, isHealthy, isEjected } = host;
  return {
    address: { socket_address: { address: host.ip, port_value: host.port } },
    stats: Object.entries(host.numbers).map(([key, value]) => ({
      name: key,
      value: String(value),
      type: gauges.has(key) ? "GAUGE" : "COUNTER",
    })),
    health_status: {
      eds_health_status: "HEALTHY",
      ...(isHealthy ? {} : { failed_active_health_check: true }),
      ...(isEjected ? { failed_outlier_check: true } : {}),
    },
    hostname: host.hostname,
    weight: host.weight,
    priority: host.priority,
    locality: { region, zone, sub_zone },
  };
}

const rounded = (rate: number | undefined): number =>
  rate === undefined ? -1 : Number(rate.toFixed(2));
