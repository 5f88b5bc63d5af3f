// Bytes as they are, to one cluster or split between several.
import type { TcpConfig } from "../listener-config.ts";
import type { HashPolicy, WeightedCluster } from "../route-config.ts";
import {
  defaulted,
  ignored,
  type Message,
  message,
  only,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import { duration, integer, list, name, positive, someOf } from "../schema/reader.ts";
import { accessLog } from "./access-log.ts";
import { metadata } from "./metadata.ts";
import { clusterName } from "./route-action.ts";

const none = { request: [], response: [] } as const;

const weight: Message<WeightedCluster> = message(
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster.ClusterWeight",
  {
    name: required(clusterName),
    weight: required(positive),
    metadata_match: defaulted(metadata, {}),
  },
  ({ name: cluster, weight: share, metadataMatch: subset }) => {
    return { cluster, weight: share, headers: none, subset };
  },
);

const weighted = message(
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster",
  { clusters: required(someOf(weight)) },
  ({ clusters }) => clusters,
);

const sourceIp = message("envoy.type.v3.HashPolicy.SourceIp", {}, () => true);

const hashPolicy: Message<HashPolicy> = message(
  "envoy.type.v3.HashPolicy",
  { source_ip: required(sourceIp), filter_state: refused("write source_ip") },
  () => ({ kind: "source-ip", terminal: true }),
);

/** Without what the listener adds. */
export type TcpWithoutBuffer = Omit<TcpConfig, "bufferBytesMax">;

/** The TCP proxy. */
export const tcpProxy: Message<TcpWithoutBuffer> = message(
  "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
  {
    stat_prefix: required(name),
    cluster: optional(clusterName),
    weighted_clusters: optional(weighted),
    metadata_match: defaulted(metadata, {}),
    idle_timeout: defaulted(duration, 3_600_000),
    access_log: defaulted(list(accessLog, 16), []),
    hash_policy: defaulted(list(hashPolicy, 1), []),
    max_connect_attempts: defaulted(integer(1, 100), 1),
    on_demand: refused("name the cluster: every one is known"),
    backoff_options: refused("take it out: the next attempt is made at once"),
    downstream_idle_timeout: refused("use idle_timeout"),
    upstream_idle_timeout: refused("use idle_timeout"),
    tunneling_config: refused("take it out: CONNECT is not spoken upstream"),
    max_downstream_connection_duration: refused("use idle_timeout"),
    max_downstream_connection_duration_jitter_percentage: refused("use idle_timeout"),
    access_log_flush_interval: refused("a connection has one line, at its end"),
    flush_access_log_on_connected: only(false, "a connection has one line, at its end"),
    access_log_options: refused("a connection has one line, at its end"),
    proxy_protocol_tlvs: refused("the PROXY protocol is not spoken"),
    proxy_protocol_tlv_merge_policy: ignored("the PROXY protocol is not spoken"),
    upstream_connect_mode: refused("take it out: upstream is called at once"),
    max_early_data_bytes: refused("take it out: upstream is called at once"),
  },
  (values) => {
    const { cluster, weightedClusters, metadataMatch: subset } = values;
    const single = cluster === undefined ? [] : [{ cluster, weight: 1, headers: none, subset }];
    return {
      kind: "tcp",
      statPrefix: values.statPrefix,
      clusters:
        weightedClusters?.map((one) => ({ ...one, subset: { ...subset, ...one.subset } })) ??
        single,
      connectAttemptsMax: values.maxConnectAttempts,
      idleTimeoutMs: values.idleTimeout,
      hash: values.hashPolicy,
      accessLogs: values.accessLog,
    };
  },
  { oneOf: [["cluster", "weighted_clusters"]] },
);
