// What both sides say of HTTP: timers and bounds of connections and streams.
import {
  defaulted,
  ignored,
  type Message,
  message,
  only,
  optional,
  refused,
} from "../schema/message.ts";
import { bool, choice, duration, integer, Unsupported, uint32 } from "../schema/reader.ts";

/** Timers and bounds, of either side. */
export interface HttpOptions {
  readonly idleTimeoutMs: number | undefined;
  readonly connectionLifetimeMs: number | undefined;
  readonly streamLifetimeMs: number | undefined;
  readonly headersMax: number | undefined;
  readonly requestsPerConnectionMax: number | undefined;
}

/** What holds where the message is missing. */
export const noOptions: HttpOptions = {
  idleTimeoutMs: undefined,
  connectionLifetimeMs: undefined,
  streamLifetimeMs: undefined,
  headersMax: undefined,
  requestsPerConnectionMax: undefined,
};

/** Of either side. */
export const httpOptions: Message<HttpOptions> = message(
  "envoy.config.core.v3.HttpProtocolOptions",
  {
    idle_timeout: optional(duration),
    max_connection_duration: optional(duration),
    max_connection_duration_jitter: refused("take it out"),
    max_stream_duration: optional(duration),
    max_headers_count: optional(integer(1, 10_000)),
    max_response_headers_kb: refused("take it out: 60 KiB are taken"),
    max_requests_per_connection: optional(uint32),
    headers_with_underscores_action: defaulted(
      choice("HeadersWithUnderscoresAction", {
        ALLOW: true,
        REJECT_REQUEST: new Unsupported("write ALLOW, and match the headers in RBAC"),
        DROP_HEADER: new Unsupported("write ALLOW, and name them in request_headers_to_remove"),
      }),
      true,
    ),
  },
  (values) => ({
    idleTimeoutMs: values.idleTimeout,
    connectionLifetimeMs: values.maxConnectionDuration,
    streamLifetimeMs: values.maxStreamDuration,
    headersMax: values.maxHeadersCount,
    requestsPerConnectionMax: values.maxRequestsPerConnection,
  }),
);

const strict = "take it out: HTTP has one meaning here";

/** HTTP/1.1's own: whatever makes it more lenient is refused. */
export const http1Options: Message<true> = message(
  "envoy.config.core.v3.Http1ProtocolOptions",
  {
    accept_http_10: refused("take it out: HTTP/1.0 is served, and needs a Host"),
    default_host_for_http_10: refused("take it out"),
    allow_absolute_url: only(true, "take it out: RFC 9112 §3.2.2 requires it"),
    header_key_format: refused("take it out: names are sent in lower case"),
    enable_trailers: only(true, "take it out: trailers are passed on"),
    allow_chunked_length: only(false, strict),
    override_stream_error_on_invalid_http_message: only(false, strict),
    send_fully_qualified_url: only(false, "take it out"),
    use_balsa_parser: ignored("the codec is another one"),
    allow_custom_methods: ignored("every token is a method"),
    ignore_http_11_upgrade: refused("take upgrade_configs out"),
  },
  () => true,
);

/** Envoy would let a connection have 2^31 − 1; rapid reset (CVE-2023-44487) wants a small bound. */
const STREAMS_MAX = 100;

const noWindow = ignored("the codec chooses; what is buffered is bounded by the buffer limit");

/** HTTP/2's own: how many streams at a time. */
export const http2Options: Message<{ readonly concurrentStreamsMax: number }> = message(
  "envoy.config.core.v3.Http2ProtocolOptions",
  {
    max_concurrent_streams: defaulted(integer(1, 2 ** 31 - 1), STREAMS_MAX),
    initial_stream_window_size: noWindow,
    initial_connection_window_size: noWindow,
    hpack_table_size: ignored("the codec chooses"),
    allow_connect: defaulted(bool, true),
    allow_metadata: only(false, "take it out: METADATA frames are no HTTP/2"),
    connection_keepalive: refused("use idle_timeout"),
    max_outbound_frames: ignored("the codec has bounds of its own"),
    max_outbound_control_frames: ignored("the codec has bounds of its own"),
    max_consecutive_inbound_frames_with_empty_payload: ignored("the codec has bounds of its own"),
    max_inbound_priority_frames_per_stream: ignored("the codec has bounds of its own"),
    max_inbound_window_update_frames_per_data_frame_sent: ignored("the codec has its own bounds"),
    stream_error_on_invalid_http_messaging: only(false, strict),
    override_stream_error_on_invalid_http_message: only(false, strict),
    custom_settings_parameters: refused("take them out"),
    use_oghttp2_codec: ignored("the codec is another one"),
    max_metadata_size: ignored("METADATA frames are no HTTP/2"),
    enable_huffman_encoding: ignored("the codec chooses"),
    max_header_field_size_kb: ignored("all headers together are bounded"),
  },
  (values) => ({ concurrentStreamsMax: values.maxConcurrentStreams }),
);
