// Circuit breakers. The state comes first and in words; the rest says why it is what it is.
import { of, rate, sum } from "./expressions.ts";
import { curve, type Panel, timeline } from "./panels.ts";

// In the order of their numbers on the timeline.
const states = [
  ["closed", "green"],
  ["half-open", "yellow"],
  ["open", "red"],
  ["forced-open", "dark-red"],
  ["forced-closed", "blue"],
  ["disabled", "purple"],
] as const;

const state = states
  .map(([name], number) => `${of("circuit_breaker_state", `state="${name}"`)} * ${number}`)
  .join(" or ");

export const breakerPanels: readonly Panel[] = [
  timeline(
    {
      title: "State",
      description:
        "One bar for each breaker of each instance. Open while calls come is protection at work; open for minutes is an outage behind it. While nobody calls, an open breaker stays open.",
      queries: [[`sum by (job, instance, name) (${state})`, "{{name}} in {{job}} ({{instance}})"]],
    },
    states,
  ),
  curve({
    title: "Calls by outcome",
    description: "Admitted calls that have ended. Cancelled and ignored ones judge nobody.",
    queries: [[rate("circuit_breaker_calls_total", ["outcome"]), "{{name}} {{outcome}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Refused by reason",
    description: "Calls that cost a microsecond instead of a timeout.",
    queries: [[rate("circuit_breaker_refused_total", ["reason"]), "{{name}} {{reason}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Failures per call, 5 min",
    description:
      "Of the calls that count. Above the line while closed: CircuitBreakerFailuresWhileClosed.",
    queries: [
      [
        of("job_instance_name:circuit_breaker_failures_per_call:ratio_rate5m"),
        "{{name}} ({{instance}})",
      ],
    ],
    unit: "percentunit",
    max: 1,
    alertAbove: 0.2,
  }),
  curve({
    title: "What the breaker judges by",
    description: "Shares of its own window that failed or were slow, in the worst instance.",
    queries: [
      [`max by (job, name) (${of("circuit_breaker_failure_ratio")})`, "{{name}} failed"],
      [`max by (job, name) (${of("circuit_breaker_slow_ratio")})`, "{{name}} slow"],
    ],
    unit: "percentunit",
    max: 1,
  }),
  curve({
    title: "Refused per call, 5 min",
    description: "The share of the calls that never got through.",
    queries: [
      [
        of("job_instance_name:circuit_breaker_refused_per_call:ratio_rate5m"),
        "{{name}} ({{instance}})",
      ],
    ],
    unit: "percentunit",
    max: 1,
  }),
  curve({
    title: "In flight",
    description: "Calls that were admitted and have not ended: what this dependency holds here.",
    queries: [[sum("circuit_breaker_calls_in_flight"), "{{name}}"]],
  }),
  curve({
    title: "Transitions by state entered",
    description: "A breaker that closes again and again flaps: CircuitBreakerFlapping.",
    queries: [[rate("circuit_breaker_transitions_total", ["to"]), "{{name}} to {{to}}"]],
    unit: "reqps",
  }),
  curve({
    title: "Recoveries in 15 min",
    description: "How often a breaker closed. Three times and more: CircuitBreakerFlapping.",
    queries: [
      [of("job_instance_name:circuit_breaker_recoveries:increase15m"), "{{name}} ({{instance}})"],
    ],
    alertAbove: 2.5,
  }),
  curve({
    title: "Slow and late calls",
    description:
      "Slow: in flight for too long, ended or not. Late: the answer came after the state in which the call began was gone, and counted for nothing.",
    queries: [
      [rate("circuit_breaker_slow_calls_total"), "{{name}} slow"],
      [rate("circuit_breaker_late_calls_total"), "{{name}} late"],
    ],
    unit: "reqps",
  }),
];
