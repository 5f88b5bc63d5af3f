// Filters that refuse or wait: the local token bucket, adaptive concurrency, the buffer.
import { TokenBucket } from "@compendium/rate-limiter";
import type {
  AdaptiveConcurrencyConfig,
  BufferConfig,
  LocalRateLimitConfig,
} from "../filter-config.ts";

import {
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

import { positive, positiveDuration } from "../schema/reader.ts";
import { disabled, httpStatus, type Nameless } from "./filter-parts.ts";
import { runtimeFraction } from "./types.ts";

const tokenBucket = message(
  "envoy.type.v3.TokenBucket",
  {
    max_tokens: required(positive),
    tokens_per_fill: defaulted(positive, 1),
    fill_interval: required(positiveDuration),
  },
  ({ maxTokens: tokensMax, tokensPerFill, fillInterval: fillIntervalMs }, node) => {
    try {
      new TokenBucket({ burst: tokensMax, limit: tokensPerFill, windowMs: fillIntervalMs });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return node.fail(`cannot be counted exactly: ${error.message}`, "choose smaller numbers");
    }
    return { tokensMax, tokensPerFill, fillIntervalMs };
  },
);

/** A token bucket in this process. */
export const localRateLimit: Message<Nameless<LocalRateLimitConfig>> = message(
  "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
  {
    stat_prefix: label("metrics have the filter's name"),
    token_bucket: optional(tokenBucket),
    status: defaulted(httpStatus, 429),
    filter_enabled: defaulted(runtimeFraction, 0),
    filter_enforced: defaulted(runtimeFraction, 0),
    request_headers_to_add_when_not_enforced: refused("look at the metrics instead"),
    response_headers_to_add: refused("add them with the route's response_headers_to_add"),
    descriptors: refused("give each group of requests a route with a bucket of its own"),
    stage: only(0, "there are no descriptors to choose from"),
    local_rate_limit_per_downstream_connection: only(false, "use one bucket for all connections"),
    local_cluster_rate_limit: refused("divide max_tokens by the number of proxies"),
    enable_x_ratelimit_headers: refused("take it out: a refusal has Retry-After"),
    vh_rate_limits: refused("there are no descriptors to choose from"),
    always_consume_default_token_bucket: ignored("there are no descriptors beside it"),
    rate_limited_as_resource_exhausted: only(false, "take it out: gRPC sees UNAVAILABLE"),
    rate_limits: refused("there are no descriptors to choose from"),
    max_dynamic_descriptors: ignored("there are no descriptors"),
  },
  (values, node) => {
    const { tokenBucket: bucket, filterEnabled: enabled, filterEnforced: enforced } = values;
    if (bucket === undefined) return node.fail("has no token_bucket", "add one");
    if (enabled === 0 || enforced === 0) {
      node.note("limits nothing: filter_enabled and filter_enforced are 0 unless they are set");
    }
    return {
      kind: "local-ratelimit",
      ...bucket,
      // Envoy takes no status below 400 for a refusal either.
      status: values.status < 400 ? 429 : values.status,
      enabled,
      enforced,
    };
  },
);

/** Waits for the whole request. */
export const buffer: Message<Nameless<BufferConfig>> = message(
  "envoy.extensions.filters.http.buffer.v3.Buffer",
  { max_request_bytes: required(positive) },
  ({ maxRequestBytes }) => ({ kind: "buffer", requestBytesMax: maxRequestBytes }),
);

/** The same for a route. */
export const bufferPerRoute: Message<Nameless<BufferConfig> | false> = message(
  "envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
  { disabled: optional(disabled), buffer: optional(buffer) },
  (values) => values.buffer ?? false,
  { oneOf: [["disabled", "buffer"]] },
);

const ourGradient = ignored("this proxy's limit is resilience's gradient2, which measures it");

const limitParams = message(
  "envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig.ConcurrencyLimitCalculationParams",
  { max_concurrency_limit: defaulted(positive, 1000), concurrency_update_interval: ourGradient },
  ({ maxConcurrencyLimit }) => maxConcurrencyLimit,
);

const minRttParams = message(
  "envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig.MinimumRTTCalculationParams",
  {
    min_concurrency: defaulted(positive, 3),
    interval: ourGradient,
    fixed_value: ourGradient,
    request_count: ourGradient,
    jitter: ourGradient,
    buffer: ourGradient,
  },
  ({ minConcurrency }) => minConcurrency,
);

const gradient = message(
  "envoy.extensions.filters.http.adaptive_concurrency.v3.GradientControllerConfig",
  {
    concurrency_limit_params: defaulted(limitParams, 1000),
    min_rtt_calc_params: defaulted(minRttParams, 3),
    sample_aggregate_percentile: ourGradient,
  },
  ({ concurrencyLimitParams: limitMax, minRttCalcParams: limitMin }, node) => {
    if (limitMin <= limitMax) return { limitMin, limitMax };
    return node.fail(`min_concurrency ${limitMin} is above ${limitMax}`, "lower it");
  },
);

/** A concurrency limit that finds its own size. */
export const adaptiveConcurrency: Message<Nameless<AdaptiveConcurrencyConfig>> = message(
  "envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency",
  {
    gradient_controller_config: required(gradient),
    enabled: refused("leave the filter out where it must not act"),
    concurrency_limit_exceeded_status: defaulted(httpStatus, 503),
  },
  ({ gradientControllerConfig: limits, concurrencyLimitExceededStatus: status }) => {
    return { kind: "adaptive-concurrency", ...limits, status: status < 400 ? 503 : status };
  },
);
