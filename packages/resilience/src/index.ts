export {
  type AdaptiveLimitOptions,
  type AdaptiveLimitPolicy,
  type AdaptiveLimitStats,
  adaptiveLimit,
  type PartitionOptions,
  type PartitionStats,
} from "./adaptive-limit.ts";
export {
  type Admission,
  type AdmissionDecision,
  type AdmissionOptions,
  type AdmissionPolicy,
  type AdmissionStats,
  admission,
  type Reservation,
} from "./admission.ts";
export { Backoff, type BackoffOptions } from "./backoff.ts";
export {
  type BulkheadOptions,
  type BulkheadPolicy,
  type BulkheadStats,
  bulkhead,
} from "./bulkhead.ts";
export type { AbortListener, Call, Criticality, Work } from "./call.ts";
export { type BreakerPolicy, circuitBreaker } from "./circuit-breaker.ts";
export {
  type DeadlineOptions,
  type DeadlinePolicy,
  type DeadlineStats,
  deadline,
} from "./deadline.ts";
export {
  encodeGrpcTimeout,
  encodeTimeoutMs,
  GRPC_TIMEOUT_HEADER,
  parseGrpcTimeout,
  parseTimeoutMs,
  TIMEOUT_MS_HEADER,
  type TimeoutHeader,
} from "./deadline-headers.ts";
export { ResilienceError, type ResilienceErrorCode } from "./errors.ts";
export { type FallbackPolicy, type FallbackStats, fallback } from "./fallback.ts";
export {
  type HedgeBudget,
  type HedgeOptions,
  type HedgePolicy,
  type HedgeStats,
  hedge,
} from "./hedge.ts";
export { type AimdLimit, type AimdOptions, aimd } from "./limits/aimd.ts";
export { type Gradient2Limit, type Gradient2Options, gradient2 } from "./limits/gradient2.ts";
export type { Limit, LimitOptions, LimitSample } from "./limits/limit.ts";
export type { WindowOptions } from "./limits/sample-window.ts";
export { type VegasLimit, type VegasOptions, vegas } from "./limits/vegas.ts";
export {
  type LoadShedderOptions,
  type LoadShedderPolicy,
  type LoadShedderStats,
  loadShedder,
} from "./load-shedder.ts";
export { type CallOptions, type Pipeline, pipeline, pipelineOn } from "./pipeline.ts";
export type { Next, Policy, PolicyKind } from "./policy.ts";
export {
  type AttemptResult,
  type RetryOptions,
  type RetryPolicy,
  type RetryStats,
  retry,
} from "./retry.ts";
export { RetryBudget, type RetryBudgetOptions, type RetryBudgetStats } from "./retry-budget.ts";
export {
  type SingleFlightOptions,
  type SingleFlightPolicy,
  type SingleFlightStats,
  singleFlight,
} from "./single-flight.ts";
export {
  type ThrottleOptions,
  type ThrottlePolicy,
  type ThrottleStats,
  throttle,
} from "./throttle.ts";
export { type TimeoutOptions, type TimeoutPolicy, type TimeoutStats, timeout } from "./timeout.ts";
export type { QueueOptions } from "./wait-queue.ts";
