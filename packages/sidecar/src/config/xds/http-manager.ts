// The HTTP connection manager: everything about HTTP of one filter chain.
import type { HttpConfig } from "../listener-config.ts";
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
import { type Node, shown } from "../schema/node.ts";
import {
  bool,
  choice,
  duration,
  headerValue,
  integer,
  list,
  name,
  someOf,
  Unsupported,
} from "../schema/reader.ts";
import { accessLog } from "./access-log.ts";
import { httpFilter, type NamedFilter } from "./filters.ts";
import { http1Options, http2Options, httpOptions, noOptions } from "./protocol-options.ts";
import { routeConfiguration } from "./route.ts";
import { upgradeConfigs } from "./route-action.ts";

/** Per connection, as in Envoy: soft limits, at which reading stops. */
export const BUFFER_BYTES_MAX: number = 1_048_576;

/** Without what the listener adds. */
export type HttpWithoutBuffer = Omit<HttpConfig, "limits"> & {
  readonly limits: Omit<HttpConfig["limits"], "bufferBytesMax">;
};

/** The connection manager. */
export const httpConnectionManager: Message<HttpWithoutBuffer> = message(
  "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
  {
    stat_prefix: required(name),
    codec_type: defaulted(
      choice<HttpConfig["codec"]>("CodecType", {
        AUTO: "auto",
        HTTP1: "http1",
        HTTP2: "http2",
        HTTP3: new Unsupported("write AUTO: HTTP/3 is not spoken"),
      }),
      "auto",
    ),
    route_config: optional(routeConfiguration),
    rds: refused("write route_config"),
    scoped_routes: refused("write route_config"),
    http_filters: required(someOf(httpFilter)),
    access_log: defaulted(list(accessLog, 16), []),
    common_http_protocol_options: defaulted(httpOptions, noOptions),
    http_protocol_options: optional(http1Options),
    http2_protocol_options: defaulted(http2Options, { concurrentStreamsMax: 100 }),
    http3_protocol_options: refused("HTTP/3 is not spoken"),
    server_name: defaulted(headerValue, "envoy"),
    server_header_transformation: defaulted(
      choice<HttpConfig["serverHeader"]>("ServerHeaderTransformation", {
        OVERWRITE: "overwrite",
        APPEND_IF_ABSENT: "append-if-absent",
        PASS_THROUGH: "pass-through",
      }),
      "overwrite",
    ),
    max_request_headers_kb: defaulted(integer(1, 8192), 60),
    stream_idle_timeout: defaulted(duration, 300_000),
    request_timeout: defaulted(duration, 0),
    request_headers_timeout: defaulted(duration, 10_000),
    drain_timeout: defaulted(duration, 5_000),
    use_remote_address: defaulted(bool, false),
    xff_num_trusted_hops: defaulted(integer(0, 100), 0),
    skip_xff_append: defaulted(bool, false),
    via: defaulted(headerValue, ""),
    generate_request_id: defaulted(bool, true),
    preserve_external_request_id: defaulted(bool, false),
    upgrade_configs: defaulted(upgradeConfigs, []),
    normalize_path: defaulted(bool, true),
    merge_slashes: defaulted(bool, false),
    path_with_escaped_slashes_action: defaulted(
      choice<HttpConfig["path"]["escapedSlashes"]>("PathWithEscapedSlashesAction", {
        IMPLEMENTATION_SPECIFIC_DEFAULT: "keep",
        KEEP_UNCHANGED: "keep",
        REJECT_REQUEST: "reject",
        UNESCAPE_AND_REDIRECT: "unescape-and-redirect",
        UNESCAPE_AND_FORWARD: "unescape-and-forward",
      }),
      "keep",
    ),
    ...others(),
  },
  (values, node) => {
    const options = values.commonHttpProtocolOptions;
    const filters = chainOf(values.httpFilters, node);
    return {
      kind: "http",
      statPrefix: values.statPrefix,
      codec: values.codecType,
      virtualHosts: values.routeConfig?.virtualHosts ?? [],
      ignoresPort: values.routeConfig?.ignoresPort ?? false,
      filters,
      accessLogs: values.accessLog,
      timers: {
        idleTimeoutMs: options.idleTimeoutMs ?? 3_600_000,
        streamIdleTimeoutMs: values.streamIdleTimeout,
        requestTimeoutMs: values.requestTimeout,
        requestHeadersTimeoutMs: values.requestHeadersTimeout,
        drainTimeoutMs: values.drainTimeout,
        connectionLifetimeMs: options.connectionLifetimeMs ?? 0,
        streamLifetimeMs: options.streamLifetimeMs ?? 0,
      },
      limits: {
        headersBytesMax: values.maxRequestHeadersKb * 1024,
        headersMax: options.headersMax ?? 100,
        concurrentStreamsMax: values.http2ProtocolOptions.concurrentStreamsMax,
        requestsPerConnectionMax: options.requestsPerConnectionMax ?? 0,
      },
      trustedHops: values.xffNumTrustedHops,
      usesRemoteAddress: values.useRemoteAddress,
      appendsForwardedFor: !values.skipXffAppend,
      generatesRequestId: values.generateRequestId,
      keepsRequestId: values.preserveExternalRequestId,
      via: values.via,
      path: {
        normalize: values.normalizePath,
        mergeSlashes: values.mergeSlashes,
        escapedSlashes: values.pathWithEscapedSlashesAction,
      },
      upgrades: values.upgradeConfigs,
      serverName: values.serverName === "" ? "envoy" : values.serverName,
      serverHeader: values.serverHeaderTransformation,
    };
  },
  { oneOf: [["route_config", "rds", "scoped_routes"]] },
);

// Fields that are not taken, by themselves: the list of those that are is long enough.
function others() {
  return {
    add_user_agent: only(false, "add it with request_headers_to_add"),
    tracing: ignored("spans go through @opentelemetry/api, as the process is set up"),
    http1_safe_max_connection_duration: ignored("connections are always drained safely"),
    scheme_header_transformation: refused("take it out: the scheme is that of the connection"),
    stream_flush_timeout: refused("use stream_idle_timeout"),
    drain_timeout_jitter: refused("take it out"),
    delayed_close_timeout: ignored("the codec closes when the client has, or a second later"),
    access_log_flush_interval: refused("a request has one line, at its end"),
    flush_access_log_on_new_request: only(false, "a request has one line, at its end"),
    access_log_options: refused("a request has one line, at its end"),
    original_ip_detection_extensions: refused("use xff_num_trusted_hops"),
    early_header_mutation_extensions: refused("use request_headers_to_add of the route_config"),
    internal_address_config: refused("take it out: no address counts as internal"),
    always_set_request_id_in_response: only(false, "add it with response_headers_to_add"),
    forward_client_cert_details: only("SANITIZE", "authorize by RBAC's authenticated here"),
    set_current_client_cert_details: refused("authorize by RBAC's authenticated here"),
    forward_client_cert_matcher: refused("authorize by RBAC's authenticated here"),
    proxy_100_continue: ignored("100 (Continue) comes from upstream, always"),
    represent_ipv4_remote_address_as_ipv4_mapped_ipv6: only(false, "take it out"),
    request_id_extension: refused("take it out: ids are random UUIDs"),
    local_reply_config: refused("take it out: local replies are plain text"),
    strip_matching_host_port: only(false, "use ignore_port_in_host_matching"),
    strip_any_host_port: only(false, "use ignore_port_in_host_matching"),
    stream_error_on_invalid_http_message: only(false, "take it out: HTTP has one meaning here"),
    path_normalization_options: refused("use normalize_path and merge_slashes"),
    strip_trailing_host_dot: only(false, "name both hosts among the domains"),
    proxy_status_config: refused("see response flags in the access log"),
    typed_header_validation_config: refused("take it out: the codec is strict"),
    append_x_forwarded_port: only(false, "add it with request_headers_to_add"),
    append_local_overload: only(false, "take it out"),
    add_proxy_protocol_connection_state: ignored("the PROXY protocol is not spoken"),
    forward_proto_config: refused("take it out: X-Forwarded-Proto is the connection's"),
  } as const;
}

function chainOf(filters: readonly NamedFilter[], node: Node): HttpConfig["filters"] {
  const last = filters.at(-1);
  if (last?.config !== "router") {
    node.refuse("has no router at the end of http_filters", "add envoy.filters.http.router");
  }
  const kinds = new Map<string, string>();
  const chain = filters.flatMap(({ name: filter, config, node: at }, i) => {
    if (kinds.has(filter)) at.refuse(`is the second ${shown(filter)}`, "rename it");
    kinds.set(filter, config === "router" ? "router" : config.kind);
    if (config !== "router") return [config];
    if (i < filters.length - 1) at.refuse("stands before other filters", "move it to the end");
    return [];
  });
  // Only what stands below this connection manager refers to its filters.
  const below = node.reading.filters.filter((one) => one.node.path.startsWith(`${node.path}.`));
  for (const { filter, kind, node: at } of below) {
    const have = kinds.get(filter);
    if (have === undefined) {
      at.refuse(`is no filter of this connection manager`, `name one of ${[...kinds.keys()]}`);
    } else if (kind !== undefined && kind !== have) {
      at.refuse(`is a ${kind} for a ${have}`, "use the settings of that filter");
    }
  }
  return chain;
}
