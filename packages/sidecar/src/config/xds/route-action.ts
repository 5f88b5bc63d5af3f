// What becomes of a request that goes to a cluster. Answers from here are in local-action.ts.

import type { ForwardAction, MirrorConfig, WeightedCluster } from "../route-config.ts";
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
import {
  bool,
  choice,
  duration,
  headerName,
  headerValue,
  list,
  name,
  type Reader,
  refine,
  someHeaderValue,
  someOf,
  uint32,
} from "../schema/reader.ts";
import { hashPolicy } from "./hash-policy.ts";
import { metadata } from "./metadata.ts";
import { hedgePolicy, retryPolicy } from "./retry.ts";
import { additions, editOf, regexRewrite, removals, runtimeFraction } from "./types.ts";

/** The name of a cluster, which must exist when everything has been read. */
export const clusterName: Reader<string> = refine(name, (cluster, node) => {
  node.reading.clusters.push({ cluster, node });
  return cluster;
});

const weight: Message<WeightedCluster> = message(
  "envoy.config.route.v3.WeightedCluster.ClusterWeight",
  {
    name: required(clusterName),
    weight: defaulted(uint32, 0),
    metadata_match: defaulted(metadata, {}),
    request_headers_to_add: defaulted(additions, []),
    request_headers_to_remove: defaulted(removals, []),
    response_headers_to_add: defaulted(additions, []),
    response_headers_to_remove: defaulted(removals, []),
    cluster_header: refused("name the cluster"),
    typed_per_filter_config: refused("set filters on the route"),
    host_rewrite_literal: refused("set it on the route"),
  },
  (values) => ({
    cluster: values.name,
    weight: values.weight,
    subset: values.metadataMatch,
    headers: {
      request: editOf(values.requestHeadersToRemove, values.requestHeadersToAdd),
      response: editOf(values.responseHeadersToRemove, values.responseHeadersToAdd),
    },
  }),
);

const weightedClusters: Message<readonly WeightedCluster[]> = message(
  "envoy.config.route.v3.WeightedCluster",
  {
    clusters: required(someOf(weight)),
    total_weight: ignored("it is the sum of the weights"),
    runtime_key_prefix: ignored("there is no runtime to look it up in"),
    header_name: refused("take it out: the split is by chance"),
    random_value_specifier: refused("take it out: the split is by chance"),
    use_hash_policy: refused("take it out: the split is by chance"),
  },
  ({ clusters }, node) => {
    const sum = clusters.reduce((total, one) => total + one.weight, 0);
    if (sum === 0) node.fail("gives no cluster any weight", "set weight on at least one");
    if (sum > 2 ** 32 - 1) node.fail(`has weights of ${sum} in all`, "at most 4,294,967,295");
    return clusters;
  },
);

const mirror: Message<MirrorConfig> = message(
  "envoy.config.route.v3.RouteAction.RequestMirrorPolicy",
  {
    cluster: required(clusterName),
    runtime_fraction: defaulted(runtimeFraction, 1_000_000),
    cluster_header: refused("name the cluster"),
    trace_sampled: ignored("it only observes"),
    disable_shadow_host_suffix_append: defaulted(bool, false),
    request_headers_mutations: refused("set headers on the route"),
    host_rewrite_literal: refused("set it on the route"),
  },
  ({ cluster, runtimeFraction: fraction, disableShadowHostSuffixAppend: keepsAuthority }) => {
    return { cluster, fraction, keepsAuthority };
  },
);

const streamDuration = message(
  "envoy.config.route.v3.RouteAction.MaxStreamDuration",
  {
    max_stream_duration: refused("write timeout"),
    grpc_timeout_header_max: optional(duration),
    grpc_timeout_header_offset: refused("take it out: the deadline is passed on"),
  },
  (values) => values.grpcTimeoutHeaderMax,
);

/** Protocols to switch to; `false`: not that one. */
export const upgradeConfigs: Reader<readonly string[]> = refine(
  list(
    message(
      "envoy.config.route.v3.RouteAction.UpgradeConfig",
      {
        upgrade_type: required(
          refine(name, (type, node) => {
            const lower = type.toLowerCase();
            if (lower !== "connect") return lower;
            return node.fail("CONNECT is not routed", "use tcp_proxy");
          }),
        ),
        enabled: defaulted(bool, true),
        connect_config: refused("use tcp_proxy"),
      },
      ({ upgradeType, enabled }) => (enabled ? [upgradeType] : []),
    ),
  ),
  (lists) => [...new Set(lists.flat())],
);

/** To a cluster. */
export const routeAction: Message<ForwardAction> = message(
  "envoy.config.route.v3.RouteAction",
  {
    cluster: optional(clusterName),
    cluster_header: optional(headerName),
    weighted_clusters: optional(weightedClusters),
    cluster_specifier_plugin: refused("name the cluster"),
    inline_cluster_specifier_plugin: refused("name the cluster"),
    cluster_not_found_response_code: only(
      "SERVICE_UNAVAILABLE",
      "take it out: every cluster is known to exist",
    ),
    metadata_match: defaulted(metadata, {}),
    prefix_rewrite: optional(
      refine(headerValue, (value, node) => {
        if (value.startsWith("/") && !value.includes("#")) return value;
        return node.fail(`${JSON.stringify(value)} is no path`, 'begin it with "/"');
      }),
    ),
    regex_rewrite: optional(regexRewrite),
    path_rewrite_policy: refused("use regex_rewrite"),
    path_rewrite: refused("use regex_rewrite"),
    host_rewrite_literal: optional(someHeaderValue),
    auto_host_rewrite: optional(bool),
    host_rewrite_header: optional(headerName),
    host_rewrite_path_regex: refused("use host_rewrite_literal or host_rewrite_header"),
    host_rewrite: refused("use host_rewrite_literal"),
    append_x_forwarded_host: only(false, "add it with request_headers_to_add"),
    timeout: defaulted(duration, 15_000),
    idle_timeout: optional(duration),
    flush_timeout: refused("use idle_timeout"),
    early_data_policy: ignored("early data is never accepted"),
    retry_policy: optional(retryPolicy),
    retry_policy_typed_config: refused("use retry_policy"),
    request_mirror_policies: defaulted(list(mirror, 8), []),
    priority: defaulted(
      choice<"default" | "high">("RoutingPriority", { DEFAULT: "default", HIGH: "high" }),
      "default",
    ),
    rate_limits: refused("use the local_ratelimit filter"),
    include_vh_rate_limits: refused("use the local_ratelimit filter"),
    hash_policy: defaulted(list(hashPolicy, 16), []),
    cors: refused("put a CorsPolicy into typed_per_filter_config"),
    max_grpc_timeout: optional(duration),
    grpc_timeout_offset: refused("take it out: the deadline is passed on"),
    upgrade_configs: optional(upgradeConfigs),
    internal_redirect_policy: refused("redirects go to the client"),
    internal_redirect_action: refused("redirects go to the client"),
    max_internal_redirects: refused("redirects go to the client"),
    hedge_policy: optional(hedgePolicy),
    max_stream_duration: optional(streamDuration),
  },
  (values) => {
    const { cluster, weightedClusters: weighted, metadataMatch: subset } = values;
    const none = { request: [], response: [] };
    const single = cluster === undefined ? [] : [{ cluster, weight: 1, headers: none, subset }];
    return {
      kind: "forward",
      clusters:
        weighted?.map((one) => ({ ...one, subset: { ...subset, ...one.subset } })) ?? single,
      clusterHeader: values.clusterHeader,
      subset,
      rewrite:
        values.prefixRewrite === undefined
          ? values.regexRewrite
          : { kind: "prefix", value: values.prefixRewrite },
      hostRewrite: hostRewriteOf(values),
      timeoutMs: values.timeout,
      idleTimeoutMs: values.idleTimeout,
      grpcTimeoutMsMax: values.maxStreamDuration ?? values.maxGrpcTimeout,
      retry: values.retryPolicy,
      hedge: values.hedgePolicy,
      mirrors: values.requestMirrorPolicies,
      hash: values.hashPolicy,
      priority: values.priority,
      upgrades: values.upgradeConfigs,
    };
  },
  {
    oneOf: [
      [
        "cluster",
        "cluster_header",
        "weighted_clusters",
        "cluster_specifier_plugin",
        "inline_cluster_specifier_plugin",
      ],
    ],
    atMostOneOf: [
      ["prefix_rewrite", "regex_rewrite", "path_rewrite_policy", "path_rewrite"],
      [
        "host_rewrite_literal",
        "auto_host_rewrite",
        "host_rewrite_header",
        "host_rewrite_path_regex",
      ],
    ],
  },
);

function hostRewriteOf(values: {
  readonly hostRewriteLiteral: string | undefined;
  readonly autoHostRewrite: boolean | undefined;
  readonly hostRewriteHeader: string | undefined;
}): ForwardAction["hostRewrite"] {
  const { hostRewriteLiteral: literal, hostRewriteHeader: header } = values;
  if (literal !== undefined) return { kind: "literal", value: literal };
  if (header !== undefined) return { kind: "header", name: header };
  return values.autoHostRewrite === true ? { kind: "auto" } : undefined;
}
