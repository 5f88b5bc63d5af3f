// Documents as Envoy's users write them, each whole: what the tests compile, change and break.
import { grpcDocument } from "./grpc-document.ts";

/** A sidecar in front of one service: plain HTTP in, retries, breakers, outliers, health. */
export const sidecarDocument = `
admin:
  address: { socket_address: { address: 127.0.0.1, port_value: 9901 } }
static_resources:
  listeners:
  - name: inbound
    address: { socket_address: { address: 0.0.0.0, port_value: 15006 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: inbound
          use_remote_address: true
          xff_num_trusted_hops: 1
          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: /dev/stdout
              log_format:
                json_format:
                  code: "%RESPONSE_CODE%"
                  flags: "%RESPONSE_FLAGS%"
                  request: { method: "%REQ(:METHOD)%", path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%" }
          upgrade_configs: [{ upgrade_type: websocket }]
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          route_config:
            name: local
            virtual_hosts:
            - name: service
              domains: ["*"]
              retry_policy: { retry_on: "connect-failure,refused-stream,gateway-error", num_retries: 2 }
              routes:
              - name: orders
                match: { prefix: /orders, headers: [{ name: X-Tenant, string_match: { prefix: a } }] }
                route:
                  timeout: 2.5s
                  weighted_clusters:
                    clusters:
                    - { name: service, weight: 95 }
                    - { name: canary, weight: 5 }
              - match: { prefix: / }
                route: { cluster: service, prefix_rewrite: /api/ }
                request_headers_to_add:
                - header: { key: x-client, value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%" }
                  append_action: OVERWRITE_IF_EXISTS_OR_ADD
  clusters:
  - name: service
    connect_timeout: 0.25s
    type: STATIC
    lb_policy: LEAST_REQUEST
    circuit_breakers:
      thresholds:
      - { max_connections: 100, retry_budget: { budget_percent: { value: 20 } } }
    outlier_detection: { consecutive_5xx: 3, base_ejection_time: 10s }
    health_checks:
    - timeout: 1s
      interval: 5s
      unhealthy_threshold: 3
      healthy_threshold: 2
      http_health_check: { path: /healthz }
    load_assignment:
      cluster_name: service
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 8080 } } }
  - name: canary
    load_assignment:
      cluster_name: canary
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 8081 } } }
`;

/** An edge: TLS by server name, redirects, a canary by header, security in front. */
export const edgeDocument = `
static_resources:
  listeners:
  - name: https
    address: { socket_address: { address: "::", port_value: 443 } }
    listener_filters:
    - name: tls
      typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector }
    filter_chains:
    - name: shop
      filter_chain_match: { server_names: [shop.example, "*.shop.example"] }
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          require_client_certificate: true
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_params: { tls_minimum_protocol_version: TLSv1_3 }
            tls_certificates:
            - certificate_chain: { filename: /etc/certs/shop.pem }
              private_key: { filename: /etc/certs/shop.key }
            validation_context:
              trusted_ca: { filename: /etc/certs/ca.pem }
              match_typed_subject_alt_names:
              - san_type: URI
                matcher: { prefix: "spiffe://example/" }
      filters:
      - name: connection_limit
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit
          stat_prefix: shop
          max_connections: 1000
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: shop
          merge_slashes: true
          path_with_escaped_slashes_action: REJECT_REQUEST
          http_filters:
          - name: rbac
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
              rules:
                action: ALLOW
                policies:
                  readers:
                    permissions:
                    - and_rules:
                        rules:
                        - header: { name: ":method", string_match: { exact: GET } }
                        - not_rule: { url_path: { path: { prefix: /admin } } }
                    principals:
                    - authenticated: { principal_name: { exact: "spiffe://example/web" } }
                    - remote_ip: { address_prefix: 10.0.0.0, prefix_len: 8 }
          - name: cors
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors }
          - name: limit
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
              stat_prefix: limit
              token_bucket: { max_tokens: 100, tokens_per_fill: 10, fill_interval: 1s }
              filter_enabled: { default_value: { numerator: 100 } }
              filter_enforced: { default_value: { numerator: 50 } }
          - name: fault
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
              delay: { fixed_delay: 0.2s, percentage: { numerator: 5, denominator: TEN_THOUSAND } }
              abort: { http_status: 503, percentage: { numerator: 1 } }
              headers: [{ name: x-chaos, present_match: true }]
          - name: buffer
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer
              max_request_bytes: 65536
          - name: gzip
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.compressor.v3.Compressor
              compressor_library:
                name: gzip
                typed_config: { "@type": type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip }
              response_direction_config: { common_config: { min_content_length: 100 } }
          - name: adaptive
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency
              gradient_controller_config:
                concurrency_limit_params: { concurrency_update_interval: 0.1s, max_concurrency_limit: 500 }
                min_rtt_calc_params: { interval: 60s, min_concurrency: 5 }
          - name: router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
          route_config:
            response_headers_to_remove: [x-internal]
            virtual_hosts:
            - name: shop
              domains: [shop.example, "*.shop.example", "shop.*"]
              require_tls: ALL
              typed_per_filter_config:
                cors:
                  "@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy
                  allow_origin_string_match: [{ safe_regex: { regex: "https://.*\\\\.example" } }]
                  allow_methods: "GET, POST"
                  allow_credentials: true
              routes:
              - match: { path: /old }
                redirect: { path_redirect: /new, response_code: FOUND, strip_query: true }
              - match: { path: /robots.txt }
                direct_response: { status: 200, body: { inline_string: "User-agent: *\\n" } }
              - match:
                  safe_regex: { regex: "/v[0-9]+/items/[^/]+" }
                  query_parameters: [{ name: preview, present_match: true }]
                  runtime_fraction: { default_value: { numerator: 10 } }
                route:
                  cluster: shop
                  regex_rewrite: { pattern: { regex: "^/v([0-9]+)/(.*)$" }, substitution: "/\\\\2?v=\\\\1" }
                  hash_policy:
                  - cookie: { name: session, ttl: 3600s, path: / }
                    terminal: true
                  - connection_properties: { source_ip: true }
                  request_mirror_policies:
                  - cluster: shop
                    runtime_fraction: { default_value: { numerator: 1 } }
                    disable_shadow_host_suffix_append: true
                typed_per_filter_config:
                  buffer:
                    "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute
                    disabled: true
                  gzip:
                    "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig
                    disabled: true
              - match: { path_separated_prefix: /shop, case_sensitive: false }
                route: { cluster: shop, host_rewrite_literal: shop.internal }
    - name: rest
      transport_socket:
        name: tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            tls_certificates:
            - certificate_chain: { filename: /etc/certs/rest.pem }
              private_key: { filename: /etc/certs/rest.key }
      filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: rest
          http_filters:
          - name: router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
          route_config:
            virtual_hosts:
            - name: any
              domains: ["*"]
              routes: [{ match: { prefix: "" }, redirect: { https_redirect: true, host_redirect: shop.example } }]
  clusters:
  - name: shop
    type: STRICT_DNS
    lb_policy: MAGLEV
    common_lb_config: { healthy_panic_threshold: { value: 30 } }
    transport_socket:
      name: tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: shop.internal
        common_tls_context: { validation_context: { trusted_ca: { filename: /etc/certs/ca.pem } } }
    load_assignment:
      cluster_name: shop
      endpoints:
      - locality: { region: eu, zone: a }
        lb_endpoints:
        - endpoint: { address: { socket_address: { address: shop.internal, port_value: 8443 } } }
          load_balancing_weight: 3
      - priority: 1
        lb_endpoints:
        - endpoint: { address: { socket_address: { address: shop.backup, port_value: 8443 } } }
`;

/** TCP: a database behind one address, split in two. */
export const tcpDocument = `
static_resources:
  listeners:
  - name: database
    address: { socket_address: { address: 127.0.0.1, port_value: 5432 } }
    per_connection_buffer_limit_bytes: 32768
    filter_chains:
    - filters:
      - name: tcp
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          stat_prefix: database
          idle_timeout: 600s
          weighted_clusters:
            clusters: [{ name: primary, weight: 9 }, { name: replica, weight: 1 }]
          hash_policy: [{ source_ip: {} }]
  clusters:
  - name: primary
    lb_policy: RING_HASH
    ring_hash_lb_config: { minimum_ring_size: 128 }
    health_checks:
    - timeout: 1s
      interval: 2s
      interval_jitter_percent: 10
      unhealthy_threshold: 2
      healthy_threshold: 1
      tcp_health_check: { send: { text: "50494e47" }, receive: [{ binary: UE9ORw== }] }
    load_assignment: &hosts
      cluster_name: primary
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 10.0.0.1, port_value: 5432 } } }
  - { name: replica, load_assignment: *hosts }
`;

/** All of them, by name. */
export const documents: Readonly<Record<string, string>> = {
  sidecar: sidecarDocument,
  edge: edgeDocument,
  grpc: grpcDocument,
  tcp: tcpDocument,
};
