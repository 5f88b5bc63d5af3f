// Filters that change what passes: faults on purpose, cross-origin rules, compression.
import type { CompressorConfig, CorsConfig, FaultConfig } from "../filter-config.ts";

import {
  anyOf,
  defaulted,
  ignored,
  label,
  type Message,
  message,
  only,
  optional,
  refused,
  required,
} from "../schema/message.ts";

import {
  bool,
  headerValue,
  integer,
  list,
  name,
  positiveDuration,
  refine,
  uint32,
} from "../schema/reader.ts";
import { disabled, type Nameless } from "./filter-parts.ts";
import { fractionalPercent, headerMatcher, runtimeFraction, stringMatcher } from "./types.ts";

const faultDelay = message(
  "envoy.extensions.filters.common.fault.v3.FaultDelay",
  {
    fixed_delay: required(positiveDuration),
    percentage: defaulted(fractionalPercent, 0),
    header_delay: refused("use fixed_delay: a client must not choose its own"),
    type: ignored("there is one type"),
  },
  ({ fixedDelay, percentage }) => ({ ms: fixedDelay, fraction: percentage }),
);

const faultAbort = message(
  "envoy.extensions.filters.http.fault.v3.FaultAbort",
  {
    http_status: optional(integer(200, 599)),
    grpc_status: optional(integer(0, 16)),
    percentage: defaulted(fractionalPercent, 0),
    header_abort: refused("use http_status: a client must not choose its own"),
  },
  ({ httpStatus: status = 200, grpcStatus, percentage }) => {
    return { status, grpcStatus, fraction: percentage };
  },
  { oneOf: [["http_status", "grpc_status", "header_abort"]] },
);

const runtimeKey = ignored("there is no runtime to look it up in");

/** Faults on purpose. */
export const fault: Message<Nameless<FaultConfig>> = message(
  "envoy.extensions.filters.http.fault.v3.HTTPFault",
  {
    delay: optional(faultDelay),
    abort: optional(faultAbort),
    headers: defaulted(list(headerMatcher), []),
    max_active_faults: defaulted(uint32, 2 ** 32 - 1),
    upstream_cluster: refused("set the fault on the routes to that cluster"),
    downstream_nodes: refused("use headers"),
    response_rate_limit: refused("use delay"),
    delay_percent_runtime: runtimeKey,
    abort_percent_runtime: runtimeKey,
    delay_duration_runtime: runtimeKey,
    abort_http_status_runtime: runtimeKey,
    abort_grpc_status_runtime: runtimeKey,
    max_active_faults_runtime: runtimeKey,
    response_rate_limit_percent_runtime: runtimeKey,
    disable_downstream_cluster_stats: ignored("it only observes"),
    filter_metadata: ignored("it only observes"),
  },
  ({ delay, abort, headers, maxActiveFaults: activeMax }) => {
    return { kind: "fault", delay, abort, headers, activeMax };
  },
);

/** The filter by itself does nothing; a policy comes with a route or a virtual host. */
export const cors: Message<Nameless<CorsConfig>> = message(
  "envoy.extensions.filters.http.cors.v3.Cors",
  {},
  () => ({
    kind: "cors",
    origins: [],
    methods: "",
    headers: "",
    exposeHeaders: "",
    maxAge: "",
    credentials: false,
  }),
);

/** What a route or a virtual host allows other origins. */
export const corsPolicy: Message<Nameless<CorsConfig> | false> = message(
  "envoy.extensions.filters.http.cors.v3.CorsPolicy",
  {
    allow_origin_string_match: defaulted(list(stringMatcher), []),
    allow_methods: defaulted(headerValue, ""),
    allow_headers: defaulted(headerValue, ""),
    expose_headers: defaulted(headerValue, ""),
    max_age: defaulted(headerValue, ""),
    allow_credentials: defaulted(bool, false),
    filter_enabled: defaulted(
      refine(runtimeFraction, (fraction, node) => {
        if (fraction === 0 || fraction === 1_000_000) return fraction;
        return node.fail("is neither none nor all", "a browser needs one answer: 0 or 100 %");
      }),
      1_000_000,
    ),
    shadow_enabled: ignored("it only observes"),
    allow_private_network_access: only(false, "take it out"),
    forward_not_matching_preflights: only(true, "take it out"),
  },
  (values) => {
    if (values.filterEnabled === 0) return false;
    return {
      kind: "cors",
      origins: values.allowOriginStringMatch,
      methods: values.allowMethods,
      headers: values.allowHeaders,
      exposeHeaders: values.exposeHeaders,
      maxAge: values.maxAge,
      credentials: values.allowCredentials,
    };
  },
);

/** Envoy's list: what is text. */
const contentTypes: readonly string[] = [
  "application/javascript",
  "application/json",
  "application/xhtml+xml",
  "image/svg+xml",
  "text/css",
  "text/html",
  "text/plain",
  "text/xml",
];

const gzip = message(
  "envoy.extensions.compression.gzip.compressor.v3.Gzip",
  {
    memory_level: ignored("the platform's default is used"),
    compression_level: ignored("the platform's default is used"),
    compression_strategy: ignored("the platform's default is used"),
    window_bits: ignored("the platform's default is used"),
    chunk_size: ignored("the platform's default is used"),
  },
  () => undefined,
);

const compressorLibrary = message(
  "envoy.config.core.v3.TypedExtensionConfig",
  {
    name: label("the type of typed_config decides"),
    typed_config: required(anyOf(gzip)),
  },
  () => undefined,
);

const commonDirection = message(
  "envoy.extensions.filters.http.compressor.v3.Compressor.CommonDirectionConfig",
  {
    enabled: refused("leave the filter out where it must not act"),
    min_content_length: defaulted(uint32, 30),
    content_type: defaulted(list(name), contentTypes),
  },
  (values) => values,
);

const responseDirection = message(
  "envoy.extensions.filters.http.compressor.v3.Compressor.ResponseDirectionConfig",
  {
    common_config: optional(commonDirection),
    disable_on_etag_header: only(false, "take it out: a strong ETag is made weak"),
    remove_accept_encoding_header: only(false, "remove it with request_headers_to_remove"),
    uncompressible_response_codes: refused("give those responses a route without the filter"),
    status_header_enabled: ignored("it only observes"),
  },
  (values) => values.commonConfig,
);

/** gzip, for responses. */
export const compressor: Message<Nameless<CompressorConfig>> = message(
  "envoy.extensions.filters.http.compressor.v3.Compressor",
  {
    compressor_library: required(compressorLibrary),
    response_direction_config: optional(responseDirection),
    request_direction_config: refused("requests are not compressed"),
    choose_first: ignored("there is one compressor"),
    content_length: refused("write response_direction_config.common_config.min_content_length"),
    content_type: refused("write response_direction_config.common_config.content_type"),
    disable_on_etag_header: only(false, "take it out: a strong ETag is made weak"),
    remove_accept_encoding_header: only(false, "remove it with request_headers_to_remove"),
    runtime_enabled: refused("leave the filter out where it must not act"),
  },
  ({ responseDirectionConfig: response }) => {
    const types = response?.contentType ?? [];
    return {
      kind: "compressor",
      // An empty list is none, as everywhere in Envoy's documents.
      contentTypes: types.length > 0 ? types : contentTypes,
      bytesMin: response?.minContentLength ?? 30,
    };
  },
);

/** Switches it off for a route. */
export const compressorPerRoute: Message<false> = message(
  "envoy.extensions.filters.http.compressor.v3.CompressorPerRoute",
  { disabled: required(disabled), overrides: refused("write disabled, or another listener") },
  () => false,
);
