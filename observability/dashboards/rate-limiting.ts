// The dashboard "Rate limiting": what packages/rate-limiter decides, for how many keys, and what
// the store behind it has to say. `name` is a limiter's in the upper rows, a store's in the last.
//
// It cannot say who is limited: a key is never a label. That is for the logs of whoever asks.
import { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { alertsPanel } from "./alerts.ts";
import { of, rate, sum } from "./expressions.ts";
import {
  curve,
  dashboardOf,
  datasourceVariable,
  labelVariable,
  type Panel,
  timeline,
} from "./panels.ts";

const ours = '__name__=~"rate_limiter_.+"';

const decisions: readonly Panel[] = [
  curve({
    title: "Decisions by outcome",
    description:
      "Denied costs the store a decision, blocked only a look-up here. What begins with store- was decided without it.",
    queries: [[rate("rate_limiter_decisions_total", ["outcome"]), "{{name}} {{outcome}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Denied, 5 min",
    description:
      "Over the limit, of all that was asked. Above the line for 15 minutes: RateLimiterDenyingMost.",
    queries: [[of("job_name:rate_limiter_denied:ratio_rate5m"), "{{name}}"]],
    unit: "percentunit",
    max: 1,
    alertAbove: 0.5,
  }),
  curve({
    title: "Decided blindly, 5 min",
    description:
      "The store did not answer, and the policy spoke. Open: RateLimiterNotLimiting. Closed: RateLimiterDenyingBlindly.",
    queries: [
      [of("job_name:rate_limiter_store_open:ratio_rate5m"), "{{name}} let through"],
      [of("job_name:rate_limiter_store_closed:ratio_rate5m"), "{{name}} denied"],
    ],
    unit: "percentunit",
    max: 1,
    alertAbove: 0.05,
  }),
];

const keys: readonly Panel[] = [
  curve({
    title: "Keys",
    description:
      "In memory: those whose limit is not full, and some that are and have not been forgotten yet. Blocked: denied by the store, and refused here until it would allow them.",
    queries: [
      [sum("rate_limiter_keys"), "{{name}}"],
      [sum("rate_limiter_keys_blocked"), "{{name}} blocked"],
    ],
  }),
  curve({
    title: "Places in use",
    description: "Of keysMax, in each instance. Above the line: RateLimiterKeysNearMax.",
    queries: [
      [
        `max by (job, instance, name) (${of("rate_limiter_keys")} / ${of("rate_limiter_keys_max")})`,
        "{{name}} ({{instance}})",
      ],
    ],
    unit: "percentunit",
    max: 1,
    alertAbove: 0.9,
  }),
  curve({
    title: "No room for the key, 5 min",
    description: "Of all that was asked. Above the line: RateLimiterKeysExhausted.",
    queries: [[of("job_name:rate_limiter_no_room:ratio_rate5m"), "{{name}}"]],
    unit: "percentunit",
    alertAbove: 0.01,
  }),
  curve({
    title: "Keys forgotten",
    description: "Full again, and their places given to others: how fast keys come and go.",
    queries: [[rate("rate_limiter_keys_forgotten_total"), "{{name}}"]],
    unit: "none",
  }),
];

const store: readonly Panel[] = [
  timeline(
    {
      title: "Connection",
      description:
        "One bar for each store of each instance. A store that connects lazily and has not been asked yet shows none.",
      queries: [
        [
          `min by (job, instance, name) (${of("rate_limiter_store_ready")})`,
          "{{name}} in {{job}} ({{instance}})",
        ],
      ],
    },
    [
      ["none", "red"],
      ["ready", "green"],
    ],
  ),
  curve({
    title: "Failures by code",
    description:
      "Decisions that the store did not make. STORE_TIMEOUT: no answer in time. STORE_LOST: the connection broke. STORE_UNAVAILABLE: not even asked. STORE_ERROR: it answered so.",
    queries: [[rate("rate_limiter_store_failures_total", ["code"]), "{{name}} {{code}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Failures per decision, 5 min",
    description: "In each instance. Above the line: RateLimiterStoreFailing.",
    queries: [
      [
        of("job_instance_name:rate_limiter_store_failures_per_decision:ratio_rate5m"),
        "{{name}} ({{instance}})",
      ],
    ],
    unit: "percentunit",
    alertAbove: 0.01,
  }),
  curve({
    title: "Time of a call, p99 of 5 min",
    description:
      "From sending to the answer, as this process sees it. What is never answered is not in it. Above the line: RateLimiterStoreSlow.",
    queries: [[of("job_name:rate_limiter_store_call_seconds:p99_rate5m"), "{{name}}"]],
    unit: "s",
    alertAbove: 0.05,
  }),
  curve({
    title: "Time of a call",
    description: "Median and mean. Far apart: a few calls wait behind something.",
    queries: [
      [
        `histogram_quantile(0.5, ${rate("rate_limiter_store_call_seconds_bucket", ["le"])})`,
        "{{name}} p50",
      ],
      [
        `${rate("rate_limiter_store_call_seconds_sum")} / (${rate("rate_limiter_store_call_seconds_count")} > 0)`,
        "{{name}} mean",
      ],
    ],
    unit: "s",
  }),
  curve({
    title: "Decisions and calls",
    description: "What was wanted of the store, and how many calls carried it.",
    queries: [
      [rate("rate_limiter_store_decisions_total"), "{{name}} decisions"],
      [rate("rate_limiter_store_calls_total"), "{{name}} calls"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "Decisions per call",
    description:
      "Those of one turn and one slot travel together: the busier the process, the cheaper each. In an outage it grows without a gain, by decisions that are never sent.",
    queries: [
      [
        `${rate("rate_limiter_store_decisions_total")} / (${rate("rate_limiter_store_calls_total")} > 0)`,
        "{{name}}",
      ],
    ],
    unit: "none",
  }),
  curve({
    title: "Calls unanswered",
    description: "At callsMax, decisions fail at once. By rate × time of a call, a few.",
    queries: [[sum("rate_limiter_store_calls_unanswered"), "{{name}}"]],
  }),
  curve({
    title: "Script loads",
    description: "A server did not have the script: its first use, a restart, a failover, a flush.",
    queries: [[rate("rate_limiter_store_script_loads_total"), "{{name}}"]],
    unit: "none",
  }),
];

/** The dashboard "Rate limiting". */
export const rateLimiting = dashboardOf(
  new DashboardBuilder("Rate limiting")
    .uid("rate-limiting")
    .description("Decisions, keys, and the store that decides for a fleet.")
    .tags(["compendium"])
    .withVariable(datasourceVariable())
    .withVariable(labelVariable("job", `{${ours}}`))
    .withVariable(labelVariable("name", `{${ours},job=~"$job"}`)),
  {
    Alerts: [alertsPanel('alertname=~"RateLimiter.+"')],
    Decisions: decisions,
    Keys: keys,
    "The store": store,
  },
);
