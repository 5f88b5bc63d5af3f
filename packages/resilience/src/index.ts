export { Backoff, type BackoffOptions } from "./backoff.ts";
export {
  type BulkheadOptions,
  type BulkheadPolicy,
  type BulkheadStats,
  bulkhead,
} from "./bulkhead.ts";
export type { AbortListener, Call, Criticality, Work } from "./call.ts";
export { type BreakerPolicy, circuitBreaker } from "./circuit-breaker.ts";
export { ResilienceError, type ResilienceErrorCode } from "./errors.ts";
export { type FallbackPolicy, fallback } from "./fallback.ts";
export { type CallOptions, type Pipeline, pipeline, pipelineOn } from "./pipeline.ts";
export type { Next, Policy, PolicyKind } from "./policy.ts";
export { type RetryOptions, type RetryPolicy, type RetryStats, retry } from "./retry.ts";
export { RetryBudget, type RetryBudgetOptions, type RetryBudgetStats } from "./retry-budget.ts";
export { type TimeoutOptions, type TimeoutPolicy, type TimeoutStats, timeout } from "./timeout.ts";
export type { QueueOptions } from "./wait-queue.ts";
