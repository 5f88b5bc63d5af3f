// What the opossum door emits: opossum's events, in its words, with its arguments.
import type { Milliseconds } from "./opossum-stats.ts";

/** What the breaker emits, and with which arguments. */
export interface OpossumEvents<TI extends unknown[] = unknown[], TR = unknown> {
  /** A call was asked for. */
  fire: [args: TI];
  /** A call succeeded, or failed in a way that `errorFilter` lets pass: then with the error. */
  success: [result: TR, latencyMs: Milliseconds];
  /** A call failed, timed out, or found every place taken. */
  failure: [error: Error, latencyMs: Milliseconds, args: TI];
  /** A call timed out. */
  timeout: [error: Error, latencyMs: Milliseconds, args: TI];
  /** A call was refused: the circuit is open. */
  reject: [error: Error];
  /** A call found every place taken. */
  semaphoreLocked: [error: Error, latencyMs: Milliseconds];
  /** The fallback has answered. */
  fallback: [result: unknown, error: Error];
  /** The circuit opened. */
  open: [];
  /** The circuit closed. */
  close: [];
  /** The circuit has rested: the next call is a probe. */
  halfOpen: [resetTimeout: Milliseconds];
  /** The cache had the answer. */
  cacheHit: [];
  /** The cache had not. */
  cacheMiss: [];
  /** A call with the same key was on its way. */
  coalesceCacheHit: [];
  /** None was. */
  coalesceCacheMiss: [];
  /** The health check failed; the circuit opens. */
  healthCheckFailed: [error: unknown];
  /** The breaker is no more. */
  shutdown: [];
}
