// What bounds the work at once, and whom it turns away: bulkheads, adaptive limits, throttles,
// limiters of rate, load shedders.
import { of, rate, sum } from "./expressions.ts";
import { curve, type Panel } from "./panels.ts";

export const limitPanels: readonly Panel[] = [
  curve({
    title: "Turned away, 5 min",
    description:
      "Of the calls that came, at once or after a wait. BulkheadRefusing, AdaptiveLimitRefusing.",
    queries: [
      [of("job_name:resilience_bulkhead_turned_away:ratio_rate5m"), "{{name}} (bulkhead)"],
      [of("job_name:resilience_adaptive_limit_turned_away:ratio_rate5m"), "{{name}} (adaptive)"],
    ],
    unit: "percentunit",
    max: 1,
    alertAbove: 0.05,
  }),
  curve({
    title: "Bulkheads: calls",
    description: "Admitted, refused at once, shed after a wait.",
    queries: [[rate("resilience_bulkhead_calls_total", ["outcome"]), "{{name}} {{outcome}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Bulkheads: places",
    description:
      "Work that runs, and who waits. Running at its bound for long: L = λ · W is above it.",
    queries: [
      [sum("resilience_bulkhead_running"), "{{name}} running"],
      [sum("resilience_bulkhead_waiting"), "{{name}} waiting"],
    ],
  }),
  curve({
    title: "Adaptive limits: calls",
    description: "Admitted, refused at once, shed after a wait.",
    queries: [[rate("resilience_adaptive_limit_calls_total", ["outcome"]), "{{name}} {{outcome}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Adaptive limits: places",
    description: "What the limit has found, and what is in flight, by class.",
    queries: [
      [sum("resilience_adaptive_limit_places"), "{{name}} limit"],
      [sum("resilience_adaptive_limit_in_flight", ["class"]), "{{name}} {{class}}"],
    ],
  }),
  curve({
    title: "Adaptive limits: who waits",
    description: "Calls that wait for a place, by class.",
    queries: [[sum("resilience_adaptive_limit_waiting", ["class"]), "{{name}} {{class}}"]],
  }),
  curve({
    title: "Adaptive limits: who is turned away",
    description: "By class; the classes with a share of their own should be last.",
    queries: [
      [rate("resilience_adaptive_limit_turned_away_total", ["class"]), "{{name}} {{class}}"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "Adaptive limits: what moved them",
    description: "Losses lower a limit; ignored calls moved nothing.",
    queries: [
      [rate("resilience_adaptive_limit_dropped_total"), "{{name}} dropped"],
      [rate("resilience_adaptive_limit_ignored_total"), "{{name}} ignored"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "Throttles: calls",
    description: "What a client did not even ask of a backend that refuses a lot.",
    queries: [[rate("resilience_throttle_calls_total", ["outcome"]), "{{name}} {{outcome}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Throttles: chance of refusal",
    description: "With which probability the next call is refused, in the worst instance.",
    queries: [[`max by (job, name) (${of("resilience_throttle_refusal_ratio")})`, "{{name}}"]],
    unit: "percentunit",
    max: 1,
  }),
  curve({
    title: "Throttles: the window",
    description: "What was wanted and what was accepted: the throttle acts on their distance.",
    queries: [
      [sum("resilience_throttle_window_requests"), "{{name}} requests"],
      [sum("resilience_throttle_window_accepts"), "{{name}} accepts"],
    ],
  }),
  curve({
    title: "Admission by a rate limiter",
    description: "A limiter that does not answer lets calls through, and is counted.",
    queries: [
      [rate("resilience_admission_calls_total", ["outcome"]), "{{name}} {{outcome}}"],
      [rate("resilience_admission_delayed_total"), "{{name}} delayed"],
      [rate("resilience_admission_limiter_errors_total"), "{{name}} limiter errors"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "Admission: who waits",
    description: "Calls that wait for their turn.",
    queries: [[sum("resilience_admission_waiting"), "{{name}}"]],
  }),
];

export const shedderPanels: readonly Panel[] = [
  curve({
    title: "Pressure",
    description:
      "From 1 on no sheddable call gets in, from 2 on no sheddable-plus, from 3 on no critical one; at 4 nobody. The worst instance.",
    queries: [[`max by (job, name) (${of("resilience_shedder_pressure")})`, "{{name}}"]],
    unit: "none",
    max: 4,
  }),
  curve({
    title: "Admitted, and shed by criticality",
    description: "The least critical go first.",
    queries: [
      [rate("resilience_shedder_admitted_total"), "{{name}} admitted"],
      [rate("resilience_shedder_shed_total", ["criticality"]), "{{name}} {{criticality}}"],
    ],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Critical calls shed, 5 min",
    description: "Of all that arrived. Above the line: CriticalCallsShed.",
    queries: [[of("job_name:resilience_shedder_critical_shed:ratio_rate5m"), "{{name}}"]],
    unit: "percentunit",
    alertAbove: 0.01,
  }),
  curve({
    title: "Shed, 5 min",
    description: "Of all that arrived. Above the line for 15 minutes: LoadShedderOverloaded.",
    queries: [[of("job_name:resilience_shedder_shed:ratio_rate5m"), "{{name}}"]],
    unit: "percentunit",
    max: 1,
    alertAbove: 0.05,
  }),
  curve({
    title: "Queueing delay",
    description: "The smallest of the last interval, in the worst instance: how late work starts.",
    queries: [[`max by (job, name) (${of("resilience_shedder_delay_seconds")})`, "{{name}}"]],
    unit: "s",
  }),
  curve({
    title: "In flight and waiting",
    description: "Work that is not over, and that part of it which has not begun.",
    queries: [
      [sum("resilience_shedder_in_flight"), "{{name}} in flight"],
      [sum("resilience_shedder_waiting"), "{{name}} waiting"],
    ],
  }),
  curve({
    title: "Past the deadline",
    description: "Calls that were too late before their work began, and were not done.",
    queries: [[rate("resilience_shedder_late_total"), "{{name}}"]],
    unit: "reqps",
  }),
];
