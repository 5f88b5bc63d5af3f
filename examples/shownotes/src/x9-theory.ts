// What X9 must show if the theory is right, computed from the scenario alone.
//
// Off. Of all calls a share w goes to the canary, and of these a share p fails: w · p.
//
// On. The canary is put aside once k calls in a row have failed. Until then it is a game of coins:
// with e calls still to be expected before a run of k, each beginning is lost after some i < k
// failures and one success, so that (W. Feller, An Introduction to Probability Theory, vol. 1,
// XIII.7)
//
//     e = (1 − pᵏ) / ((1 − p) · pᵏ)          for a fair coin 2ᵏ⁺¹ − 2: with k = 3, 14 calls
//
// and p · e of them fail (A. Wald's identity): 7. That is the price of being found out by one's
// users, and it is paid once: later calls meet the other version alone, and none fails. It is a
// mean, of a number that is spread as widely as it is large; how many calls it takes in a run hangs
// on the scenario's seed.
import type { X9Scenario } from "./x9-scenario.ts";

/** What is expected of a run, in the terms in which it is measured. */
export interface X9Prediction {
  /** Previews that nobody got, of those that are judged. */
  errorShare: number;
  /** Calls that reached the canary, of those that are judged. */
  canaryShare: number;
  /** Calls that the canary has had until it was put aside; Infinity: it is not. */
  callsUntilFound: number;
  /** Those among them that failed. */
  failuresUntilFound: number;
}

/** Without outlier detection. */
export function predictUndetected({ weights, canary }: X9Scenario): X9Prediction {
  const canaryShare = weights.canary / (weights.canary + weights.stable);
  return {
    errorShare: canaryShare * canary.failureShare,
    canaryShare,
    callsUntilFound: Number.POSITIVE_INFINITY,
    failuresUntilFound: Number.POSITIVE_INFINITY,
  };
}

/** With it, after the canary has been found. */
export function predictDetected({ canary, detection }: X9Scenario): X9Prediction {
  const p = canary.failureShare;
  const run = p ** detection.consecutive5xx;
  // Where every call fails, the first run is the first k calls; so says the limit as well.
  const calls = p === 1 ? detection.consecutive5xx : (1 - run) / ((1 - p) * run);
  return {
    errorShare: 0,
    canaryShare: 0,
    callsUntilFound: calls,
    failuresUntilFound: p * calls,
  };
}
