// Active health checks: asking a host how it is. Intervals differ by what is known of the host.
import type { HealthCheckConfig } from "../cluster-config.ts";
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
import { shown } from "../schema/node.ts";
import {
  bytes,
  duration,
  headerValue,
  integer,
  list,
  positive,
  positiveDuration,
  type Reader,
  refine,
  text,
} from "../schema/reader.ts";

type Check = HealthCheckConfig["check"];

const statusRange: Message<readonly [from: number, to: number]> = message(
  "envoy.type.v3.Int64Range",
  { start: required(integer(100, 599, "int64")), end: required(integer(101, 600, "int64")) },
  ({ start, end }, node) => {
    if (start < end) return [start, end];
    return node.fail(`ends at ${end}, before ${start + 1}`, "the end is not part of the range");
  },
);

const http: Message<Check> = message(
  "envoy.config.core.v3.HealthCheck.HttpHealthCheck",
  {
    host: defaulted(headerValue, ""),
    path: required(
      refine(headerValue, (value, node) => {
        if (value.startsWith("/")) return value;
        return node.fail(`${shown(value)} is no path`, 'begin it with "/"');
      }),
    ),
    expected_statuses: defaulted(list(statusRange), [[200, 201]]),
    codec_client_type: ignored("the cluster's protocol is spoken"),
    method: only("GET", "take it out: GET is asked"),
    send: refused("take it out: GET has no body"),
    receive: refused("use expected_statuses"),
    response_buffer_size: ignored("bodies are thrown away"),
    request_headers_to_add: refused("take them out"),
    request_headers_to_remove: refused("take them out"),
    retriable_statuses: refused("use unhealthy_threshold"),
    service_name_matcher: refused("use expected_statuses"),
  },
  ({ host, path, expectedStatuses: expected }) => ({ kind: "http", host, path, expected }),
);

const grpc: Message<Check> = message(
  "envoy.config.core.v3.HealthCheck.GrpcHealthCheck",
  {
    service_name: defaulted(text, ""),
    authority: defaulted(headerValue, ""),
    initial_metadata: refused("take it out"),
  },
  ({ serviceName: service, authority }) => ({ kind: "grpc", service, authority }),
);

const hex: Reader<Uint8Array> = refine(text, (value, node) => {
  if (/^(?:[0-9A-Fa-f]{2})+$/.test(value)) return new Uint8Array(Buffer.from(value, "hex"));
  return node.fail(
    `${shown(value)} is no row of bytes in hexadecimal`,
    "write two digits for each",
  );
});

const payload: Message<Uint8Array> = message(
  "envoy.config.core.v3.HealthCheck.Payload",
  { text: optional(hex), binary: optional(bytes) },
  (values) => values.text ?? values.binary ?? new Uint8Array(),
  { oneOf: [["text", "binary"]] },
);

const tcp: Message<Check> = message(
  "envoy.config.core.v3.HealthCheck.TcpHealthCheck",
  {
    send: defaulted(payload, new Uint8Array()),
    receive: defaulted(list(payload, 1), []),
    proxy_protocol_config: refused("the PROXY protocol is not spoken"),
  },
  ({ send, receive }) => ({ kind: "tcp", send, receive: receive[0] ?? new Uint8Array() }),
);

/** Asking a host how it is. */
export const healthCheck: Message<HealthCheckConfig> = message(
  "envoy.config.core.v3.HealthCheck",
  {
    timeout: required(positiveDuration),
    interval: required(positiveDuration),
    interval_jitter: defaulted(duration, 0),
    interval_jitter_percent: defaulted(integer(0, 100), 0),
    unhealthy_threshold: required(positive),
    healthy_threshold: required(positive),
    no_traffic_interval: defaulted(positiveDuration, 60_000),
    unhealthy_interval: optional(positiveDuration),
    http_health_check: optional(http),
    grpc_health_check: optional(grpc),
    tcp_health_check: optional(tcp),
    custom_health_check: refused("use one of the other checks"),
    initial_jitter: ignored("the first check is at once, so that the proxy is ready early"),
    no_traffic_healthy_interval: refused("use no_traffic_interval"),
    unhealthy_edge_interval: refused("use unhealthy_interval"),
    healthy_edge_interval: refused("use interval"),
    reuse_connection: only(true, "take it out"),
    event_log_path: ignored("it only observes"),
    event_logger: ignored("it only observes"),
    event_service: ignored("it only observes"),
    always_log_health_check_failures: ignored("it only observes"),
    always_log_health_check_success: ignored("it only observes"),
    tls_options: refused("the cluster's transport_socket is used"),
    transport_socket_match_criteria: refused("the cluster's transport_socket is used"),
    alt_port: refused("check the port that is used"),
  },
  (values, node) => {
    const { interval, timeout } = values;
    const check = values.httpHealthCheck ?? values.grpcHealthCheck ?? values.tcpHealthCheck;
    if (check === undefined) return node.fail("has no check", "add one");
    const jitterMs = Math.floor((interval * values.intervalJitterPercent) / 100);
    return {
      timeoutMs: timeout,
      intervalMs: interval,
      intervalJitterMs: values.intervalJitter + jitterMs,
      noTrafficIntervalMs: values.noTrafficInterval,
      unhealthyIntervalMs: values.unhealthyInterval ?? interval,
      unhealthyThreshold: values.unhealthyThreshold,
      healthyThreshold: values.healthyThreshold,
      check,
    };
  },
  {
    oneOf: [["http_health_check", "grpc_health_check", "tcp_health_check", "custom_health_check"]],
  },
);
