// The dashboard "Shownotes": the demo as its visitors feel it (is a note there within a second?),
// as its edge feels it (how many places are taken?), as its regions do (who reaches whom?), and
// what its processes pay. What the protections do is on the dashboard "Resilience"; what replicas
// tell each other, on that of crdt-sync.
//
// Prometheus 3 writes the bound of a bucket as 1.0 where 2 kept the 1 of the exposition: the
// matcher takes both. Left out: billing and the experiments, whose figures the lab itself shows.
import { DashboardBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { curve, dashboardOf, datasourceVariable, type Panel, type Query } from "./panels.ts";

const perSecond = (metric: string, by: string, matchers = ""): string =>
  `sum by (${by}) (rate(${metric}${matchers}[$__rate_interval]))`;

const quantile = (share: number, histogram: string, by: string): Query => [
  `histogram_quantile(${share}, ${perSecond(`${histogram}_bucket`, `le, ${by}`)})`,
  `{{${by}}} p${share * 100}`,
];

const edge: readonly Panel[] = [
  curve({
    title: "Answered within a second",
    description:
      "The share of the requests, by route. Notes need no preview: they should stay at 1.",
    queries: [
      [
        `${perSecond("edge_request_seconds_bucket", "route", '{le=~"1(\\\\.0)?"}')} / (${perSecond("edge_request_seconds_count", "route")} > 0)`,
        "{{route}}",
      ],
    ],
    unit: "percentunit",
    max: 1,
  }),
  curve({
    title: "Time to an answer",
    description: "From arrival, the wait for a place included. Beyond 10 s it says 10 s.",
    queries: [
      quantile(0.5, "edge_request_seconds", "route"),
      quantile(0.99, "edge_request_seconds", "route"),
    ],
    unit: "s",
  }),
  curve({
    title: "Requests",
    description: "Answered or left, a second, by route.",
    queries: [[perSecond("edge_request_seconds_count", "route"), "{{route}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Places",
    description: "The edge has 128. When all are taken, whoever comes waits, whatever he wants.",
    queries: [
      ["sum(edge_requests_in_flight)", "taken"],
      ["sum(edge_requests_waiting)", "waiting"],
    ],
  }),
  curve({
    title: "Shed",
    description: "Requests refused because too many waited already.",
    queries: [["sum(rate(edge_requests_shed_total[$__rate_interval]))", "shed"]],
    unit: "reqps",
  }),
];

const preview: readonly Panel[] = [
  curve({
    title: "Calls that reached previews",
    description: "What the breaker spares it shows as a gap between asked and reached.",
    queries: [
      [perSecond("preview_calls_total", "job"), "all"],
      [perSecond("preview_fault_calls_total", "job"), "while the fault is on"],
      [perSecond("preview_abandoned_calls_total", "job"), "whose caller left"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "How long a preview takes",
    description: "As the fault switch has it.",
    queries: [["max(preview_delay_seconds)", "a preview"]],
    unit: "s",
  }),
];

const presence: readonly Panel[] = [
  curve({
    title: "Edits",
    description:
      "Acknowledged, a second, by what was edited. A cut does not show here: that is the point.",
    queries: [[perSecond("presence_edits_total", "edit"), "{{edit}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Other regions that are reached",
    description: "Two, by each. Less is a cut: people go on, and the others hear of it later.",
    queries: [["min by (instance) (presence_regions_linked)", "{{instance}}"]],
    max: 2,
  }),
  curve({
    title: "Who is there",
    description: "Cursors of the people whom a region serves.",
    queries: [["max by (instance) (presence_cursors)", "{{instance}}"]],
  }),
  curve({
    title: "Episodes, and edits without room",
    description: "A region begins no episode beyond 300, and says so.",
    queries: [
      ["max(presence_episodes)", "episodes"],
      ["sum(increase(presence_without_room_total[$__rate_interval]))", "without room"],
    ],
  }),
];

const processes: readonly Panel[] = [
  curve({
    title: "Processor time",
    description: "Processors in use: 1 is all that one thread of JavaScript can have.",
    queries: [[perSecond("process_cpu_seconds_total", "job"), "{{job}}"]],
    unit: "none",
  }),
  curve({
    title: "Event loop: in use",
    description: "The share of the time in which the loop was not idle. Near 1, everything waits.",
    queries: [[perSecond("nodejs_eventloop_seconds_total", "job", '{state="active"}'), "{{job}}"]],
    unit: "percentunit",
  }),
  curve({
    title: "Event loop: how late",
    description: "How much later than due a timer runs, 99th percentile.",
    queries: [quantile(0.99, "nodejs_eventloop_delay_seconds", "job")],
    unit: "s",
  }),
  curve({
    title: "Heap",
    description: "Objects on the JavaScript heap. A saw is healthy, a ramp is a leak.",
    queries: [["max by (job) (nodejs_heap_used_bytes)", "{{job}}"]],
    unit: "bytes",
  }),
  curve({
    title: "Pauses for garbage",
    description: "Seconds a second, by kind of collection.",
    queries: [[perSecond("nodejs_gc_duration_seconds_sum", "job, kind"), "{{job}} {{kind}}"]],
    unit: "percentunit",
  }),
];

/** The dashboard "Shownotes". */
export const shownotes = dashboardOf(
  new DashboardBuilder("Shownotes")
    .uid("shownotes")
    .description("The demo: its visitors, its edge, its previews, its regions, its processes.")
    .tags(["compendium"])
    .withVariable(datasourceVariable()),
  {
    "The edge": edge,
    "The preview service": preview,
    "Three regions": presence,
    Processes: processes,
  },
);
