export {
  ConcurrencyLimit,
  type ConcurrencyLimitOptions,
  concurrencyLimit,
} from "./concurrency-limit.ts";
export {
  ConservativeSlidingCounter,
  type ConservativeSlidingCounterOptions,
  conservativeSlidingCounter,
} from "./conservative-sliding-counter.ts";
export { type Decision, OUTCOMES, type Outcome, type Reservation } from "./decision.ts";
export { FixedWindow, fixedWindow } from "./fixed-window.ts";
export { Gcra, type GcraOptions, gcra } from "./gcra.ts";
export {
  LeakyBucketQueue,
  type LeakyBucketQueueOptions,
  leakyBucketQueue,
} from "./leaky-bucket-queue.ts";
export type {
  AcquireOptions,
  PlanOptions,
  RateLimiterOptions,
  TakeOptions,
} from "./options.ts";
export { type Part, RateLimiter } from "./rate-limiter.ts";
export type { AlgorithmName, Rule, Table } from "./rule.ts";
export type { RuleOptions } from "./rule-options.ts";
export { SlidingWindowCounter, slidingWindowCounter } from "./sliding-window-counter.ts";
export { SlidingWindowLog, slidingWindowLog } from "./sliding-window-log.ts";
export type { RateLimiterStats } from "./stats.ts";
export { TokenBucket, type TokenBucketOptions, tokenBucket } from "./token-bucket.ts";
