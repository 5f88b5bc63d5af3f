// What X3 must show if the theory is right, computed from the scenario alone.
//
// Billing serves μ checkouts a second; the others ask for λ, the one that floods for φ, and λ + φ
// is more than μ. An attempt waits no longer than a timeout T and takes S, so it is of use only if
// it waits for less than T − S: behind fewer than H = μ · (T − S) others.
//
// Off. Nothing tells tenants apart. The queue is H long after H / (λ + φ − μ), and stays: billing
// starts nothing that is too late already, so what it starts has waited for just under T, and ends
// just after it. All its work is for nobody. In time are those who came before, a share of
// H / (λ + φ − μ) / flood; retries have no budget, for there is no success to pay for them.
//
// On. In any interval t the bucket lets through at most burst + rate · t (token-bucket.ts), which
// is what remains of the flood. The rest holds as for any queue: where λ + rate < μ it drains. What
// comes at once is the burst: it is taken within burst / (φ − rate), and leaves a backlog b that
// drains at μ − λ − rate. Whoever comes first after the burst waits for b / μ, the later the less;
// where b < H, everybody is in time.
import type { X2Scenario } from "./x2-scenario.ts";
import { capacityPerSecond } from "./x2-theory.ts";
import type { X3Scenario } from "./x3-scenario.ts";

/** What is expected of a run, in the terms in which it is measured. */
export interface X3Prediction {
  /** Share of the others' checkouts that were paid for in time, during the flood. */
  othersWithin: number;
  /** 99th percentile of their time, in ms; Infinity: was not paid for at all. */
  othersP99Ms: number;
  /** Of the flood's requests, those that were let through. */
  admitted: number;
}

/** The most that the bucket admits of the flood in `ms`. */
export function admittedMax({ workspaceLimit }: X3Scenario, ms: number): number {
  const { limit, windowMs, burst } = workspaceLimit;
  return burst + Math.floor((limit * ms) / windowMs);
}

/** Without the token bucket. Throws a RangeError unless the flood is one. */
export function predictFlooded(scenario: X3Scenario, behind: X2Scenario): X3Prediction {
  const { others, flood, phasesMs } = scenario;
  const over = others.ratePerSecond + flood.ratePerSecond - capacityPerSecond(behind);
  if (!(over > 0)) throw new RangeError("this flood is no more than billing can");
  const fullMs = (1_000 * harmless(behind)) / over;
  return {
    othersWithin: Math.min(1, fullMs / phasesMs.flood),
    othersP99Ms: Infinity,
    admitted: (flood.ratePerSecond * phasesMs.flood) / 1_000,
  };
}

/**
 * With it. Throws a RangeError for a limit that does not protect billing: what is let through must
 * be less than it can serve, and a burst no longer than a checkout can wait.
 */
export function predictLimited(scenario: X3Scenario, behind: X2Scenario): X3Prediction {
  const { others, flood, phasesMs, workspaceLimit } = scenario;
  const served = capacityPerSecond(behind);
  const ratePerSecond = (1_000 * workspaceLimit.limit) / workspaceLimit.windowMs;
  const spare = served - others.ratePerSecond - ratePerSecond;
  if (!(spare > 0)) throw new RangeError("the limit lets through more than billing can");
  const burstMs = (1_000 * workspaceLimit.burst) / (flood.ratePerSecond - ratePerSecond);
  const arriving = flood.ratePerSecond + others.ratePerSecond - served;
  const backlog = (arriving * burstMs) / 1_000;
  if (!(backlog < harmless(behind))) throw new RangeError("the burst alone keeps others waiting");
  const drainMs = (1_000 * backlog) / spare;
  // The slowest hundredth of all who come during the flood come while it drains.
  const slowestMs = Math.min(drainMs, 0.01 * phasesMs.flood);
  const waitMs = ((1_000 * backlog) / served) * (1 - slowestMs / drainMs);
  return {
    othersWithin: 1,
    othersP99Ms: waitMs + behind.billing.serviceMs,
    admitted: admittedMax(scenario, phasesMs.flood),
  };
}

// How many may stand before a checkout that is still served in time.
function harmless(behind: X2Scenario): number {
  const { edge, billing } = behind;
  return (capacityPerSecond(behind) * (edge.attemptTimeoutMs - billing.serviceMs)) / 1_000;
}
