// Outlier detection and circuit breakers: what is found out about hosts in passing, and what may be
// under way to them. All names and defaults are Envoy's.
import type { ClusterConfig, OutlierConfig, Thresholds } from "../cluster-config.ts";
import {
  defaulted,
  ignored,
  type Message,
  message,
  only,
  optional,
  refused,
} from "../schema/message.ts";
import {
  bool,
  choice,
  duration,
  list,
  percentInteger,
  positiveDuration,
  uint32,
} from "../schema/reader.ts";
import { percent } from "./types.ts";

/** Outlier detection. */
export const outlierDetection: Message<OutlierConfig> = message(
  "envoy.config.cluster.v3.OutlierDetection",
  {
    consecutive_5xx: defaulted(uint32, 5),
    enforcing_consecutive_5xx: defaulted(percentInteger, 100),
    consecutive_gateway_failure: defaulted(uint32, 5),
    enforcing_consecutive_gateway_failure: defaulted(percentInteger, 0),
    split_external_local_origin_errors: defaulted(bool, false),
    consecutive_local_origin_failure: defaulted(uint32, 5),
    enforcing_consecutive_local_origin_failure: defaulted(percentInteger, 100),
    interval: defaulted(positiveDuration, 10_000),
    base_ejection_time: defaulted(positiveDuration, 30_000),
    max_ejection_time: optional(positiveDuration),
    max_ejection_time_jitter: defaulted(duration, 0),
    max_ejection_percent: defaulted(percentInteger, 10),
    enforcing_success_rate: defaulted(percentInteger, 100),
    success_rate_minimum_hosts: defaulted(uint32, 5),
    success_rate_request_volume: defaulted(uint32, 100),
    success_rate_stdev_factor: defaulted(uint32, 1900),
    enforcing_local_origin_success_rate: defaulted(percentInteger, 100),
    enforcing_failure_percentage: defaulted(percentInteger, 0),
    failure_percentage_threshold: defaulted(percentInteger, 85),
    failure_percentage_minimum_hosts: defaulted(uint32, 5),
    failure_percentage_request_volume: defaulted(uint32, 50),
    enforcing_failure_percentage_local_origin: defaulted(percentInteger, 0),
    always_eject_one_host: defaulted(bool, false),
    successful_active_health_check_uneject_host: only(true, "take it out"),
    monitors: refused("use the other fields"),
    detect_degraded_hosts: only(false, "take it out"),
  },
  (values) => ({
    consecutive5xx: values.consecutive5xx,
    enforcingConsecutive5xx: values.enforcingConsecutive5xx,
    consecutiveGatewayFailure: values.consecutiveGatewayFailure,
    enforcingConsecutiveGatewayFailure: values.enforcingConsecutiveGatewayFailure,
    splitsLocalOrigin: values.splitExternalLocalOriginErrors,
    consecutiveLocalOriginFailure: values.consecutiveLocalOriginFailure,
    enforcingConsecutiveLocalOriginFailure: values.enforcingConsecutiveLocalOriginFailure,
    intervalMs: values.interval,
    baseEjectionTimeMs: values.baseEjectionTime,
    // "the default value (300s) or base_ejection_time is applied, whatever is larger".
    ejectionTimeMsMax: values.maxEjectionTime ?? Math.max(300_000, values.baseEjectionTime),
    ejectionTimeJitterMsMax: values.maxEjectionTimeJitter,
    ejectionPercentMax: values.maxEjectionPercent,
    enforcingSuccessRate: values.enforcingSuccessRate,
    successRateMinimumHosts: values.successRateMinimumHosts,
    successRateRequestVolume: values.successRateRequestVolume,
    successRateStdevFactor: values.successRateStdevFactor,
    enforcingLocalOriginSuccessRate: values.enforcingLocalOriginSuccessRate,
    enforcingFailurePercentage: values.enforcingFailurePercentage,
    failurePercentageThreshold: values.failurePercentageThreshold,
    failurePercentageMinimumHosts: values.failurePercentageMinimumHosts,
    failurePercentageRequestVolume: values.failurePercentageRequestVolume,
    enforcingFailurePercentageLocalOrigin: values.enforcingFailurePercentageLocalOrigin,
    alwaysEjectsOneHost: values.alwaysEjectOneHost,
  }),
);

const retryBudget = message(
  "envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget",
  {
    budget_percent: defaulted(percent, 20),
    min_retry_concurrency: defaulted(uint32, 3),
    budget_interval: refused("take it out: requests under way are counted"),
  },
  (values) => ({ percent: values.budgetPercent, retriesMin: values.minRetryConcurrency }),
);

interface PriorityThresholds {
  readonly priority: "default" | "high";
  readonly thresholds: Thresholds;
}

const thresholds: Message<PriorityThresholds> = message(
  "envoy.config.cluster.v3.CircuitBreakers.Thresholds",
  {
    priority: defaulted(
      choice<"default" | "high">("RoutingPriority", { DEFAULT: "default", HIGH: "high" }),
      "default",
    ),
    max_connections: defaulted(uint32, 1024),
    max_pending_requests: defaulted(uint32, 1024),
    max_requests: defaulted(uint32, 1024),
    max_retries: defaulted(uint32, 3),
    retry_budget: optional(retryBudget),
    track_remaining: ignored("it only observes; the remaining numbers are always counted"),
    max_connection_pools: refused("take it out: pools are as many as hosts"),
  },
  (values) => ({
    priority: values.priority,
    thresholds: {
      connectionsMax: values.maxConnections,
      pendingMax: values.maxPendingRequests,
      requestsMax: values.maxRequests,
      retriesMax: values.maxRetries,
      retryBudget: values.retryBudget,
    },
  }),
);

const usual: Thresholds = {
  connectionsMax: 1024,
  pendingMax: 1024,
  requestsMax: 1024,
  retriesMax: 3,
  retryBudget: undefined,
};

/** What holds for a cluster that says nothing. */
export const usualBreakers: ClusterConfig["breakers"] = { default: usual, high: usual };

/** Circuit breakers. */
export const circuitBreakers: Message<ClusterConfig["breakers"]> = message(
  "envoy.config.cluster.v3.CircuitBreakers",
  {
    thresholds: defaulted(list(thresholds), []),
    per_host_thresholds: refused("use outlier_detection, or a cluster for each host"),
  },
  (values, node) => {
    const breakers = { ...usualBreakers };
    const seen = new Set<string>();
    for (const one of values.thresholds) {
      if (seen.has(one.priority)) {
        node.fail(`has thresholds for ${one.priority.toUpperCase()} twice`, "keep one of them");
      }
      seen.add(one.priority);
      breakers[one.priority] = one.thresholds;
    }
    return breakers;
  },
);
