// What makes more attempts out of a call, and what bounds them: retries, their budgets, timeouts,
// hedges; and single-flights, which make fewer.
import { of, rate, sum } from "./expressions.ts";
import { curve, type Panel } from "./panels.ts";

export const retryPanels: readonly Panel[] = [
  curve({
    title: "Calls by outcome",
    description: "Answered at once, answered thanks to a retry, failed, given up.",
    queries: [[rate("resilience_retry_calls_total", ["outcome"]), "{{name}} {{outcome}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Attempts per call, 5 min",
    description: "Each tier multiplies the load on the next by this. RetryAmplificationHigh.",
    queries: [[of("job_name:resilience_retry_amplification:ratio_rate5m"), "{{name}}"]],
    unit: "none",
    alertAbove: 1.2,
  }),
  curve({
    title: "Retries made and withheld",
    description: "Withheld for want of a budget, of idempotence, or of time.",
    queries: [
      [rate("resilience_retry_retries_total"), "{{name}} made"],
      [rate("resilience_retry_withheld_total", ["reason"]), "{{name}} {{reason}}"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "Over budget, 5 min",
    description: "The share of the wanted retries that nothing was left for. RetryBudgetExhausted.",
    queries: [
      [of("job_name:resilience_retry_over_budget:ratio_rate5m"), "{{name}}"],
      [of("job_name:resilience_retry_budget_denied:ratio_rate5m"), "{{name}} (the budget's own)"],
    ],
    unit: "percentunit",
    max: 1,
    alertAbove: 0.5,
  }),
  curve({
    title: "Budget: tokens",
    description: "Retries that could be paid for now, in the instance that has least.",
    queries: [[`min by (job, name) (${of("resilience_retry_budget_tokens")})`, "{{name}}"]],
  }),
  curve({
    title: "Budget: retries asked for",
    description: "Paid for, or not.",
    queries: [[rate("resilience_retry_budget_retries_total", ["outcome"]), "{{name}} {{outcome}}"]],
    unit: "reqps",
    stacked: true,
  }),
];

export const attemptPanels: readonly Panel[] = [
  curve({
    title: "Attempts under a timeout",
    description: "What timed out may still run; what was cancelled nobody waits for.",
    queries: [[rate("resilience_timeout_attempts_total", ["outcome"]), "{{name}} {{outcome}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Deadlines",
    description: "Not started: work that came too late to be of use, and was not done.",
    queries: [
      [rate("resilience_deadline_bounded_total"), "{{name}} bounded"],
      [rate("resilience_deadline_not_started_total"), "{{name}} not started"],
      [rate("resilience_deadline_exceeded_total"), "{{name}} exceeded"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "Fallbacks",
    description: "Failures that got the second-best answer, and those that had none.",
    queries: [[rate("resilience_fallback_failures_total", ["outcome"]), "{{name}} {{outcome}}"]],
    unit: "reqps",
    stacked: true,
  }),
];

export const hedgePanels: readonly Panel[] = [
  curve({
    title: "Hedges per call, 5 min",
    description: "What the short tail costs. Above the line: HedgesAboveBudget.",
    queries: [[of("job_name:resilience_hedges_per_call:ratio_rate5m"), "{{name}}"]],
    unit: "percentunit",
    alertAbove: 0.06,
  }),
  curve({
    title: "Calls, hedges, wins",
    description: "Hedges that never win are load for nothing.",
    queries: [
      [rate("resilience_hedge_calls_total"), "{{name}} calls"],
      [rate("resilience_hedge_hedges_total"), "{{name}} hedges"],
      [rate("resilience_hedge_wins_total"), "{{name}} won by the hedge"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "Hedges withheld",
    description: "For want of a budget, of measurements, of idempotence.",
    queries: [[rate("resilience_hedge_withheld_total", ["reason"]), "{{name}} {{reason}}"]],
    unit: "reqps",
  }),
  curve({
    title: "Over budget, 5 min",
    description: "The share of the wanted hedges that were not made. HedgeBudgetExhausted.",
    queries: [[of("job_name:resilience_hedge_over_budget:ratio_rate5m"), "{{name}}"]],
    unit: "percentunit",
    max: 1,
    alertAbove: 0.5,
  }),
  curve({
    title: "Delay before a hedge",
    description: "The measured percentile, by instance; a gap: too few latencies are known.",
    queries: [[of("resilience_hedge_delay_seconds"), "{{name}} ({{instance}})"]],
    unit: "s",
  }),
  curve({
    title: "Single-flight: calls",
    description: "Joined is work that was saved; alone had no key, or there were too many.",
    queries: [
      [rate("resilience_single_flight_flights_total"), "{{name}} flights"],
      [rate("resilience_single_flight_joined_total"), "{{name}} joined"],
      [rate("resilience_single_flight_alone_total"), "{{name}} alone"],
      [rate("resilience_single_flight_relieved_total"), "{{name}} relieved"],
      [rate("resilience_single_flight_abandoned_total"), "{{name}} abandoned"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "Single-flight: in the air",
    description: "Keys under way, and who waits for them.",
    queries: [
      [sum("resilience_single_flight_keys"), "{{name}} keys"],
      [sum("resilience_single_flight_waiting"), "{{name}} waiting"],
    ],
  }),
];
