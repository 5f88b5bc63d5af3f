// Clusters: hosts that can stand in for each other.
import { isIP } from "node:net";
import type { ClusterConfig } from "../cluster-config.ts";
import {
  anyOf,
  defaulted,
  ignored,
  type Message,
  message,
  only,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import { type Node, shown } from "../schema/node.ts";
import {
  bool,
  choice,
  list,
  mapOf,
  name,
  positive,
  positiveDuration,
  refine,
  Unsupported,
  uint32,
} from "../schema/reader.ts";
import {
  commonLbConfig,
  loadBalancingPolicy,
  olderBalancer,
  olderBalancing,
  subsetConfig,
} from "./balancer.ts";
import { type Assignment, loadAssignment } from "./endpoints.ts";
import { healthCheck } from "./health.ts";
import { BUFFER_BYTES_MAX } from "./http-manager.ts";
import { circuitBreakers, outlierDetection, usualBreakers } from "./outlier.ts";
import {
  type HttpOptions,
  http1Options,
  http2Options,
  httpOptions,
  noOptions,
} from "./protocol-options.ts";
import { upstreamSocket } from "./tls.ts";

interface Protocol {
  readonly protocol: ClusterConfig["protocol"];
  readonly concurrentStreamsMax: number;
  readonly options: HttpOptions;
}

const explicitConfig = message(
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.ExplicitHttpConfig",
  {
    http_protocol_options: optional(http1Options),
    http2_protocol_options: optional(http2Options),
    http3_protocol_options: refused("HTTP/3 is not spoken"),
  },
  (values) => values.http2ProtocolOptions,
  {
    oneOf: [["http_protocol_options", "http2_protocol_options", "http3_protocol_options"]],
  },
);

const downstreamConfig = message(
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions.UseDownstreamHttpConfig",
  {
    http_protocol_options: optional(http1Options),
    http2_protocol_options: optional(http2Options),
    http3_protocol_options: refused("HTTP/3 is not spoken"),
  },
  ({ http2ProtocolOptions }) => http2ProtocolOptions ?? { concurrentStreamsMax: 100 },
);

const upstreamOptions = message(
  "envoy.config.core.v3.UpstreamHttpProtocolOptions",
  {
    auto_sni: only(false, "write sni into the UpstreamTlsContext"),
    auto_san_validation: ignored("names are always verified"),
    override_auto_sni_header: refused("write sni into the UpstreamTlsContext"),
  },
  () => undefined,
);

const protocolOptions: Message<Protocol> = message(
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
  {
    explicit_http_config: optional(explicitConfig),
    use_downstream_protocol_config: optional(downstreamConfig),
    auto_config: refused("write explicit_http_config"),
    common_http_protocol_options: defaulted(httpOptions, noOptions),
    upstream_http_protocol_options: optional(upstreamOptions),
    http_filters: refused("put them into the http_connection_manager"),
    header_validation_config: refused("take it out: the codec is strict"),
    outlier_detection: refused("5xx are failures"),
    retry_policy: refused("set it on the routes"),
    request_mirror_policies: refused("set them on the routes"),
    hash_policy: refused("set it on the routes"),
  },
  (values) => {
    const http2 = values.explicitHttpConfig;
    const downstream = values.useDownstreamProtocolConfig;
    const other = http2 === undefined ? "http1" : "http2";
    return {
      protocol: downstream === undefined ? other : "downstream",
      concurrentStreamsMax: (downstream ?? http2)?.concurrentStreamsMax ?? 100,
      options: values.commonHttpProtocolOptions,
    };
  },
  { oneOf: [["explicit_http_config", "use_downstream_protocol_config", "auto_config"]] },
);

const OPTIONS_KEY = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

const extensionOptions = refine(mapOf(anyOf(protocolOptions)), (entries, node) => {
  for (const key of entries.keys()) {
    if (key !== OPTIONS_KEY) node.entry(key, undefined).fail("is not taken", `use ${OPTIONS_KEY}`);
  }
  return entries.get(OPTIONS_KEY);
});

const dns = ignored("names are looked up by the system");

/** A cluster. */
export const cluster: Message<ClusterConfig> = message(
  "envoy.config.cluster.v3.Cluster",
  {
    name: required(name),
    type: defaulted(
      choice<ClusterConfig["discovery"]>("DiscoveryType", {
        STATIC: "static",
        STRICT_DNS: "strict-dns",
        LOGICAL_DNS: new Unsupported("write STRICT_DNS"),
        EDS: new Unsupported("write STATIC or STRICT_DNS, with a load_assignment"),
        ORIGINAL_DST: new Unsupported("write STATIC or STRICT_DNS, with a load_assignment"),
      }),
      "static",
    ),
    connect_timeout: defaulted(positiveDuration, 5_000),
    wait_for_warm_on_init: defaulted(bool, true),
    load_assignment: required(loadAssignment),
    ...olderBalancing,
    load_balancing_policy: optional(loadBalancingPolicy),
    common_lb_config: defaulted(commonLbConfig, { panicThreshold: 50, usesLocalityWeights: false }),
    lb_subset_config: optional(subsetConfig),
    health_checks: defaulted(list(healthCheck, 1), []),
    outlier_detection: optional(outlierDetection),
    circuit_breakers: defaulted(circuitBreakers, usualBreakers),
    transport_socket: optional(upstreamSocket),
    typed_extension_protocol_options: optional(extensionOptions),
    http2_protocol_options: optional(http2Options),
    http_protocol_options: optional(http1Options),
    common_http_protocol_options: optional(httpOptions),
    protocol_selection: defaulted(
      choice("ClusterProtocolSelection", {
        USE_CONFIGURED_PROTOCOL: "configured",
        USE_DOWNSTREAM_PROTOCOL: "downstream",
      }),
      "configured",
    ),
    max_requests_per_connection: optional(uint32),
    per_connection_buffer_limit_bytes: defaulted(positive, BUFFER_BYTES_MAX),
    dns_refresh_rate: defaulted(positiveDuration, 5_000),
    dns_lookup_family: defaulted(
      choice<ClusterConfig["dnsFamily"]>("DnsLookupFamily", {
        AUTO: "auto",
        V4_ONLY: "v4-only",
        V6_ONLY: "v6-only",
        V4_PREFERRED: "v4-preferred",
        ALL: "all",
      }),
      "auto",
    ),
    ...others(),
  },
  (values, node) => {
    checkHosts(values.type, values.loadAssignment, node);
    if (values.lbPolicy === "newer" && values.loadBalancingPolicy === undefined) {
      node.fail("has no load_balancing_policy", "add one, or choose another lb_policy");
    }
    const older = olderBalancer(values);
    const newer = values.loadBalancingPolicy;
    const { options, ...protocol } = protocolOf(values);
    return {
      name: values.name,
      connectTimeoutMs: values.connectTimeout,
      discovery: values.type,
      dnsRefreshMs: values.dnsRefreshRate,
      dnsFamily: values.dnsLookupFamily,
      ...values.loadAssignment,
      balancer: newer?.balancer ?? older.balancer,
      slowStart: newer === undefined ? older.slowStart : newer.slowStart,
      panicThreshold: values.commonLbConfig.panicThreshold,
      usesLocalityWeights:
        values.commonLbConfig.usesLocalityWeights || (newer?.usesLocalityWeights ?? false),
      subsets: values.lbSubsetConfig,
      breakers: values.circuitBreakers,
      outliers: values.outlierDetection,
      healthChecks: values.healthChecks,
      waitsForWarm: values.waitForWarmOnInit,
      ...protocol,
      tls: values.transportSocket,
      idleTimeoutMs: options.idleTimeoutMs ?? 3_600_000,
      requestsPerConnectionMax:
        options.requestsPerConnectionMax ?? values.maxRequestsPerConnection ?? 0,
      connectionLifetimeMs: options.connectionLifetimeMs,
      bufferBytesMax: values.perConnectionBufferLimitBytes,
    };
  },
  {
    atMostOneOf: [
      ["typed_extension_protocol_options", "http2_protocol_options"],
      ["typed_extension_protocol_options", "http_protocol_options"],
      ["typed_extension_protocol_options", "common_http_protocol_options"],
    ],
  },
);

function protocolOf(values: {
  readonly typedExtensionProtocolOptions: Protocol | undefined;
  readonly http2ProtocolOptions: { readonly concurrentStreamsMax: number } | undefined;
  readonly commonHttpProtocolOptions: HttpOptions | undefined;
  readonly protocolSelection: string;
}): Protocol {
  const { http2ProtocolOptions: http2, protocolSelection } = values;
  if (values.typedExtensionProtocolOptions !== undefined) {
    return values.typedExtensionProtocolOptions;
  }
  const configured = http2 === undefined ? "http1" : "http2";
  return {
    protocol: protocolSelection === "downstream" ? "downstream" : configured,
    concurrentStreamsMax: http2?.concurrentStreamsMax ?? 100,
    options: values.commonHttpProtocolOptions ?? noOptions,
  };
}

function checkHosts(type: string, { endpoints }: Assignment, node: Node): void {
  for (const [i, { endpoints: hosts }] of endpoints.entries()) {
    for (const [j, host] of hosts.entries()) {
      if (type !== "static" || isIP(host.address) !== 0) continue;
      node
        .field(`load_assignment.endpoints[${i}].lb_endpoints[${j}]`, undefined)
        .refuse(`${shown(host.address)} is no IP address`, "write one, or type: STRICT_DNS");
    }
  }
}

// Fields that are not taken, by themselves: the list of those that are is long enough.
function others() {
  return {
    cluster_type: refused("write type"),
    eds_cluster_config: refused("write load_assignment"),
    original_dst_lb_config: refused("write load_assignment"),
    transport_socket_matches: refused("write a cluster for each kind of host"),
    alt_stat_name: ignored("it only observes"),
    upstream_http_protocol_options: optional(upstreamOptions),
    dns_failure_refresh_rate: dns,
    respect_dns_ttl: only(false, "use dns_refresh_rate"),
    dns_jitter: dns,
    dns_resolvers: refused("set up the system's resolver"),
    use_tcp_for_dns_lookups: only(false, "set up the system's resolver"),
    dns_resolution_config: refused("set up the system's resolver"),
    typed_dns_resolver_config: refused("set up the system's resolver"),
    cleanup_interval: ignored("only for clusters of original destinations"),
    upstream_bind_config: refused("take it out: the system chooses the address"),
    metadata: ignored("nothing here looks at it"),
    upstream_connection_options: refused("take it out: the system's keep-alive is used"),
    close_connections_on_host_health_failure: only(false, "take it out"),
    ignore_health_on_host_removal: only(false, "take it out"),
    filters: refused("put them into the listener's chain"),
    lrs_server: ignored("it only observes"),
    lrs_report_endpoint_metrics: ignored("it only observes"),
    track_timeout_budgets: ignored("it only observes"),
    track_cluster_stats: ignored("it only observes"),
    upstream_config: refused("take it out"),
    preconnect_policy: refused("take it out: connections are made when they are needed"),
    connection_pool_per_downstream_connection: only(false, "take it out"),
  } as const;
}
