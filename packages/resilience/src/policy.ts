// What a policy is: something that stands between a call and its work, and may delay it, refuse it,
// repeat it, end it early or answer in its place.
import type { Call } from "./call.ts";

/** The kinds of policy that {@link pipeline} knows how to order. */
export type PolicyKind =
  | "fallback"
  | "single-flight"
  | "deadline"
  | "throttle"
  | "admission"
  | "shed"
  | "retry"
  | "hedge"
  | "circuit-breaker"
  | "adaptive-limit"
  | "bulkhead"
  | "timeout"
  | "custom";

/** Everything further in: the next policy, and at last the work. */
export type Next<T> = (call: Call) => Promise<T>;

/**
 * A policy. `Adds` is what it may answer besides what the work answers (a fallback's value).
 *
 * `run` must settle when `next` has, or the call is aborted, or its own rule says so; it must not
 * call `next` once the call is aborted.
 */
export interface Policy<Adds = never> {
  /** Where it may stand in a pipeline. */
  readonly kind: PolicyKind;
  /** Only a type, by which a pipeline knows what may be answered; no policy has it at run time. */
  readonly adds?: Adds;
  /** Runs one call. Never throws: failures are rejections. */
  run<T>(call: Call, next: Next<T>): Promise<T | Adds>;
}
