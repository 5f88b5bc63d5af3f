// `/clusters`: who is in each cluster, how each host is, and what the breakers allow. The text is
// Envoy's, name::name::value, line by line; what this proxy does not count is left out.
import { type Host, ipOf } from "../cluster/host.ts";
import type { Thresholds } from "../config/cluster-config.ts";
import type { MeasurableCluster } from "../observe/measurable.ts";
import { type Endpoint, json, text } from "./endpoint.ts";

/** `/clusters`. */
export const clusters: Endpoint = {
  path: "/clusters",
  help: "upstream cluster status",
  mutates: false,
  parameters: { format: ["text", "json"] },
  answer: (query, subject) => {
    const all = subject.clusters();
    if (query.get("format") === "json") return json({ cluster_statuses: all.map(statusOf) });
    return text(
      all
        .flatMap(linesOf)
        .map((line) => `${line}\n`)
        .join(""),
    );
  },
};

function linesOf({ name, cluster }: MeasurableCluster): string[] {
  const { breakers } = cluster.config;
  const lines = [
    `observability_name::${name}`,
    ...limitsOf("default", breakers.default),
    ...limitsOf("high", breakers.high),
    "added_via_api::false",
  ];
  const external = cluster.outliers?.thresholds.external;
  if (cluster.outliers !== undefined) {
    lines.push(`outlier::success_rate_average::${rounded(external?.mean)}`);
    lines.push(`outlier::success_rate_ejection_threshold::${rounded(external?.threshold)}`);
  }
  for (const host of cluster.hosts.hosts()) {
    for (const [key, value] of hostStats(host)) lines.push(`${host.address}::${key}::${value}`);
  }
  return lines.map((line) => `${name}::${line}`);
}

function limitsOf(priority: string, limits: Thresholds): string[] {
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

function hostStats(host: Host): [name: string, value: string | number][] {
  const { numbers, locality } = host;
  const { requests, failures, activeRequests } = numbers;
  return [
    ["cx_active", numbers.activeConnections],
    ["rq_active", activeRequests],
    ["rq_error", failures],
    ["rq_success", Math.max(0, requests - failures - activeRequests)],
    ["rq_total", requests],
    ["hostname", host.hostname],
    ["health_flags", healthFlags(host)],
    ["weight", host.weight],
    ["region", locality.region],
    ["zone", locality.zone],
    ["sub_zone", locality.subZone],
    ["priority", host.priority],
  ];
}

function healthFlags({ isHealthy, isEjected }: Host): string {
  const flags = [
    ...(isHealthy ? [] : ["/failed_active_hc"]),
    ...(isEjected ? ["/failed_outlier_check"] : []),
  ];
  return flags.join("") || "healthy";
}

function statusOf({ name, cluster }: MeasurableCluster): unknown {
  const { breakers } = cluster.config;
  return {
    name,
    observability_name: name,
    circuit_breakers: {
      thresholds: [
        { priority: "DEFAULT", ...thresholdsOf(breakers.default) },
        { priority: "HIGH", ...thresholdsOf(breakers.high) },
      ],
    },
    host_statuses: [...cluster.hosts.hosts()].map(hostStatus),
  };
}

function thresholdsOf(limits: Thresholds): Record<string, number> {
  return Object.fromEntries(
    Object.entries(limitNames).map(([key, name]) => [name, limits[key as keyof typeof limitNames]]),
  );
}

function hostStatus(host: Host): unknown {
  const gauges = new Set(["cx_active", "rq_active"]);
  const counted = hostStats(host).filter(([key]) => /^(cx|rq)_/.test(key));
  const { region, zone, subZone: sub_zone } = host.locality;
  return {
    address: { socket_address: { address: ipOf(host), port_value: host.port } },
    stats: counted.map(([key, value]) => ({
      name: key,
      value: String(value),
      type: gauges.has(key) ? "GAUGE" : "COUNTER",
    })),
    health_status: {
      eds_health_status: "HEALTHY",
      ...(host.isHealthy ? {} : { failed_active_health_check: true }),
      ...(host.isEjected ? { failed_outlier_check: true } : {}),
    },
    hostname: host.hostname,
    weight: host.weight,
    priority: host.priority,
    locality: { region, zone, sub_zone },
  };
}

const rounded = (rate: number | undefined): number =>
  rate === undefined ? -1 : Number(rate.toFixed(2));
