export { type CallOptions, CircuitBreaker } from "./circuit-breaker.ts";
export { CircuitBreakerError, type CircuitBreakerErrorCode } from "./errors.ts";
export type { CircuitBreakerEvents } from "./events.ts";
export type { CallResult, CircuitBreakerOptions, WindowOptions } from "./options.ts";
export type { Outcome, Permit } from "./permit.ts";
export type { Snapshot } from "./snapshot.ts";
export type {
  CallCounts,
  Refusal,
  State,
  Transition,
  TransitionReason,
} from "./state.ts";
export type { Stats } from "./stats.ts";
export type { SavedWindow } from "./window.ts";
