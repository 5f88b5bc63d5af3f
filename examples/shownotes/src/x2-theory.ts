// What X2 must show if the theory is right, computed from the scenario alone.
//
// Billing serves μ = workers / service time, and λ checkouts arrive, λ < μ: stable. During the blip
// it serves μ / slowdown, and a backlog B = (λ − μ / slowdown) · blip builds up. A request then
// waits for B / μ, longer than an attempt may take, so that every attempt fails and is repeated.
// What was begun slow ends slow: the blip lasts for the rest of a slow service time longer. Seen
// from a random moment that is E[S²] / 2E[S] (the inspection paradox), a little above half of one.
//
// Naive. A failed checkout is `attemptsMax` requests. Where λ · attemptsMax > μ the backlog grows
// although the blip is over: the state that the trigger left behind sustains itself. It is
// metastable (Bronson, Aghayev, Charapko, Zhu, "Metastable Failures in Distributed Systems", HotOS
// 2021). Jitter spreads the same requests over another second; there are no fewer of them.
//
// Budget. Retries are at most a share of the successes: λ · (1 + ratio) < μ, and the backlog drains
// at μ − λ. A newcomer is served in time once what stands before him takes no longer than an
// attempt may: B has to shrink to μ · (timeout − service time). All before him was for nobody.
//
// Shedding. What has waited for longer than its attempt is not started, so nobody waits for longer
// than a timeout, whatever the blip was. A newcomer is in time once the wait is a service time
// less: λ · S requests fewer, which are gone after λ · S / (μ − λ).
import type { Variant, X2Scenario } from "./x2-scenario.ts";

/** What is expected of a variant. */
export interface X2Prediction {
  /** Requests a second that billing is asked for while every attempt fails. */
  offeredPerSecond: number;
  /** From the end of the blip until newcomers are served in time; Infinity: never. */
  recoveryMs: number;
  /** Requests to billing for each checkout, over the whole run; with a budget: at most. */
  attemptsPerCheckout: number;
}

/** Checkouts that billing can serve in a second. */
export function capacityPerSecond({ billing }: X2Scenario): number {
  return (1_000 * billing.workers) / billing.serviceMs;
}

/**
 * For each variant. Throws a RangeError for a scenario that could show nothing: billing must be
 * able to bear the load with a budget's retries, but neither the blip nor the naive retries.
 */
export function predictX2(scenario: X2Scenario): Record<Variant, X2Prediction> {
  const { load, phasesMs, billing, edge } = scenario;
  const { ratePerSecond } = load;
  const served = capacityPerSecond(scenario);
  const servedInBlip = served / billing.slowdown;
  const stormPerSecond = ratePerSecond * edge.attemptsMax;
  const budgetedPerSecond = ratePerSecond * (1 + edge.budget.ratio);
  if (!(budgetedPerSecond < served))
    throw new RangeError("the load alone is more than billing can");
  if (!(servedInBlip < ratePerSecond)) throw new RangeError("this blip leaves no backlog");
  if (!(stormPerSecond > served)) throw new RangeError("these retries sustain no storm");

  const totalMs = phasesMs.warmUp + phasesMs.blip + phasesMs.recovery;
  const savings = edge.budget.tokensMax;
  const { serviceMs, serviceSpread, slowdown } = billing;
  const restMs = (slowdown * serviceMs * (1 + serviceSpread ** 2 / 3)) / 2;
  const slowMs = phasesMs.blip + restMs;
  const backlog = ((ratePerSecond - servedInBlip) * slowMs) / 1_000 + savings;
  const harmless = (served * (edge.attemptTimeoutMs - serviceMs)) / 1_000;
  const drainMs = (1_000 * Math.max(0, backlog - harmless)) / (served - ratePerSecond);
  const lagMs = (ratePerSecond * serviceMs) / (served - ratePerSecond);

  const stormMs = totalMs - phasesMs.warmUp;
  const storm: X2Prediction = {
    offeredPerSecond: stormPerSecond,
    recoveryMs: Infinity,
    attemptsPerCheckout: (phasesMs.warmUp + edge.attemptsMax * stormMs) / totalMs,
  };
  const checkouts = (ratePerSecond * totalMs) / 1_000;
  const paid: X2Prediction = {
    offeredPerSecond: ratePerSecond,
    recoveryMs: restMs + drainMs,
    attemptsPerCheckout: 1 + edge.budget.ratio + savings / checkouts,
  };
  const predicted: Record<Variant, X2Prediction> = {
    naive: storm,
    jitter: storm,
    budget: paid,
    "budget+shed": { ...paid, recoveryMs: restMs + lagMs },
  };
  return predicted;
}
