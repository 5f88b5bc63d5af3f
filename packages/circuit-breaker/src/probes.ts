// What a half-open breaker knows: how many probes it has let through, and how they came out.
//
// It decides as soon as the probes still out cannot change the decision any more: with three
// probes and a threshold of one half, two failures open the breaker and two successes close it.
import type { Settings } from "./options.ts";

/**
 * The probes of one half-open period. Invariant: failed, slow <= judged <= admitted <=
 * halfOpenCalls.
 */
export class Probes {
  /** When they must have decided, in ms on the breaker's clock. */
  readonly untilMs: number;
  admitted = 0;
  judged = 0;
  failed = 0;
  slow = 0;

  constructor(untilMs: number) {
    this.untilMs = untilMs;
  }

  /** What the probes have decided; undefined while they could still decide either way. */
  verdict(settings: Settings): "probes-failed" | "probes-slow" | "probes-succeeded" | undefined {
    const { halfOpenCalls, failureRateThreshold, slowRateThreshold } = settings;
    const undecided = halfOpenCalls - this.judged;
    if (this.failed / halfOpenCalls >= failureRateThreshold) return "probes-failed";
    if (this.slow / halfOpenCalls >= slowRateThreshold) return "probes-slow";
    const mayStillFail = (this.failed + undecided) / halfOpenCalls >= failureRateThreshold;
    const mayStillBeSlow = (this.slow + undecided) / halfOpenCalls >= slowRateThreshold;
    if (mayStillFail || mayStillBeSlow) return undefined;
    return "probes-succeeded";
  }
}
