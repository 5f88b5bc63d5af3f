// Whole documents for whole sidecars, as an operator writes them: listeners with and without TLS,
// filters, access logs, clusters. What runs under load and between gRPC's clients and servers goes
// the way that a file goes, through the compiler.

/** A certificate, its key and the authority of whoever calls, in files. */
export interface TlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

export interface DocumentListener {
  readonly name: string;
  /** With whose certificate; clients must have one of the same authority. */
  readonly tls?: TlsFiles;
  /** Prefix of the path, and the cluster; the first that fits. */
  readonly routes: readonly (readonly [prefix: string, cluster: string])[];
  /** Those of {@link usualFilters}, before the router. */
  readonly filters?: readonly object[];
  readonly retries?: number;
  readonly accessLogFile?: string;
}

export interface DocumentCluster {
  readonly name: string;
  readonly ports: readonly number[];
  readonly protocol: "http1" | "http2";
  readonly tls?: TlsFiles;
  readonly connectTimeout?: string;
}

export interface DocumentOptions {
  readonly listeners: readonly DocumentListener[];
  readonly clusters: readonly DocumentCluster[];
  readonly hasAdmin?: boolean;
}

const extensions = "type.googleapis.com/envoy.extensions";
const at = (port_value: number): object => ({
  socket_address: { address: "127.0.0.1", port_value },
});

/** The document, for `compile` or, as JSON, for a file. */
export function documentOf({ listeners, clusters, hasAdmin = false }: DocumentOptions): object {
  return {
    ...(hasAdmin && { admin: { address: at(0) } }),
    static_resources: {
      listeners: listeners.map(listenerOf),
      clusters: clusters.map(clusterOf),
    },
  };
}

/** Authorization that lets everybody pass but to `/forbidden`, limits that nobody reaches. */
export const usualFilters: readonly object[] = [
  {
    name: "rbac",
    typed_config: {
      "@type": `${extensions}.filters.http.rbac.v3.RBAC`,
      rules: {
        action: "DENY",
        policies: {
          forbidden: {
            permissions: [{ url_path: { path: { prefix: "/forbidden" } } }],
            principals: [{ any: true }],
          },
        },
      },
    },
  },
  {
    name: "rate",
    typed_config: {
      "@type": `${extensions}.filters.http.local_ratelimit.v3.LocalRateLimit`,
      stat_prefix: "rate",
      token_bucket: { max_tokens: 1_000_000, tokens_per_fill: 1_000_000, fill_interval: "1s" },
      filter_enabled: { default_value: { numerator: 100 } },
      filter_enforced: { default_value: { numerator: 100 } },
    },
  },
];

function listenerOf({ name, tls, ...more }: DocumentListener): object {
  const chain = {
    filters: [{ name: "http", typed_config: managerOf(name, more) }],
    ...(tls && { transport_socket: downstreamTls(tls) }),
  };
  return { name, address: at(0), filter_chains: [chain] };
}

function managerOf(
  name: string,
  { routes, filters = [], retries, accessLogFile }: Omit<DocumentListener, "name" | "tls">,
): object {
  const retryOn = "connect-failure,refused-stream,unavailable";
  const retry = retries && { retry_policy: { retry_on: retryOn, num_retries: retries } };
  return {
    "@type": `${extensions}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    ...(accessLogFile && { access_log: [accessLogOf(accessLogFile)] }),
    http_filters: [
      ...filters,
      { name: "router", typed_config: { "@type": `${extensions}.filters.http.router.v3.Router` } },
    ],
    route_config: {
      virtual_hosts: [
        {
          name: "all",
          domains: ["*"],
          routes: routes.map(([prefix, cluster]) => ({
            match: { prefix },
            route: {
              cluster,
              timeout: "0s",
              max_stream_duration: { grpc_timeout_header_max: "0s" },
              ...retry,
            },
          })),
        },
      ],
    },
  };
}

function accessLogOf(path: string): object {
  return {
    name: "file",
    typed_config: { "@type": `${extensions}.access_loggers.file.v3.FileAccessLog`, path },
  };
}

function clusterOf({ name, ports, protocol, tls, connectTimeout }: DocumentCluster): object {
  const kind = protocol === "http2" ? "http2_protocol_options" : "http_protocol_options";
  const options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  return {
    name,
    ...(connectTimeout && { connect_timeout: connectTimeout }),
    typed_extension_protocol_options: {
      [options]: {
        "@type": `type.googleapis.com/${options}`,
        explicit_http_config: { [kind]: {} },
      },
    },
    ...(tls && { transport_socket: upstreamTls(tls) }),
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: at(port) } })) }],
    },
  };
}

function certificates({ certificateFile, keyFile, caFile }: TlsFiles): object {
  return {
    tls_certificates: [
      { certificate_chain: { filename: certificateFile }, private_key: { filename: keyFile } },
    ],
    validation_context: { trusted_ca: { filename: caFile } },
  };
}

function downstreamTls(tls: TlsFiles): object {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": `${extensions}.transport_sockets.tls.v3.DownstreamTlsContext`,
      require_client_certificate: true,
      common_tls_context: { ...certificates(tls), alpn_protocols: ["h2", "http/1.1"] },
    },
  };
}

function upstreamTls(tls: TlsFiles): object {
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": `${extensions}.transport_sockets.tls.v3.UpstreamTlsContext`,
      common_tls_context: certificates(tls),
    },
  };
}
