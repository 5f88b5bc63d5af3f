// A proxy's two sides: what comes to its listeners, and what it makes of it towards clusters.
import { curve, type Panel } from "./panels.ts";
import { of, processRate, rate, sum } from "./sidecar-expressions.ts";

export const listenerPanels: readonly Panel[] = [
  curve({
    title: "Requests",
    description: "By the class of the status. None: the client went away before there was one.",
    queries: [[rate("listener", "sidecar_requests_total", ["class"]), "{{listener}} {{class}}"]],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Time of a request, p99 of 5 min",
    description: "From the head to the end of everything, bodies and retries included.",
    queries: [[of("listener", "job_listener:sidecar_request_seconds:p99_rate5m"), "{{listener}}"]],
    unit: "s",
  }),
  curve({
    title: "Time of a request, mean",
    description: "Far below the p99: a few requests wait behind something.",
    queries: [
      [
        `${rate("listener", "sidecar_request_seconds_sum")} / (${rate("listener", "sidecar_request_seconds_count")} > 0)`,
        "{{listener}}",
      ],
    ],
    unit: "s",
  }),
  curve({
    title: "What went wrong",
    description:
      "Envoy's response flags. UF, UC: hosts. UH: no host. UO: breakers. UT: too slow. DC: the client. RL: a limit.",
    queries: [
      [
        `${rate("listener", "sidecar_requests_flagged_total", ["flag"])} > 0`,
        "{{listener}} {{flag}}",
      ],
    ],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Under way",
    description: "Requests, and the connections that they come by.",
    queries: [
      [sum("listener", "sidecar_requests_active"), "{{listener}} requests"],
      [sum("listener", "sidecar_connections"), "{{listener}} connections"],
    ],
  }),
  curve({
    title: "Connections taken",
    description: "A second. Much above what clients need: they do not keep connections.",
    queries: [[rate("listener", "sidecar_connections_total"), "{{listener}}"]],
    unit: "none",
  }),
  curve({
    title: "Connections refused",
    description: "Too many, too slow, or wanted by no filter chain.",
    queries: [
      [
        rate("listener", "sidecar_connections_refused_total", ["reason"]),
        "{{listener}} {{reason}}",
      ],
    ],
    unit: "none",
    stacked: true,
  }),
  curve({
    title: "Bodies",
    description: "Bytes a second, from clients and to them.",
    queries: [
      [rate("listener", "sidecar_body_bytes_total", ["direction"]), "{{listener}} {{direction}}"],
    ],
    unit: "bytes",
  }),
  curve({
    title: "Filters",
    description: "What each filter shows, in its own words. Counts rise, levels move.",
    queries: [
      [
        sum("listener", "sidecar_filter_number", ["filter", "number"]),
        "{{listener}} {{filter}} {{number}}",
      ],
    ],
  }),
];

const calls = {
  sidecar_upstream_retries_total: "retries",
  sidecar_upstream_retries_succeeded_total: "saved by one",
  sidecar_upstream_retries_exhausted_total: "out of retries",
  sidecar_upstream_repeated_total: "repeated unnoticed",
  sidecar_upstream_try_timeouts_total: "tries too slow",
  sidecar_upstream_hedges_total: "hedges",
};

export const clusterPanels: readonly Panel[] = [
  curve({
    title: "Requests to clusters",
    description: "By the class of the status, after all retries.",
    queries: [
      [rate("cluster", "sidecar_upstream_requests_total", ["class"]), "{{cluster}} {{class}}"],
    ],
    unit: "reqps",
    stacked: true,
  }),
  curve({
    title: "Failing, 5 min",
    description: "5xx or no answer, of all. Above the line: SidecarUpstreamFailing.",
    queries: [[of("cluster", "job_cluster:sidecar_upstream_failures:ratio_rate5m"), "{{cluster}}"]],
    unit: "percentunit",
    max: 1,
    alertAbove: 0.05,
  }),
  curve({
    title: "Time at a cluster, p99 of 5 min",
    description: "From the request's head to the end, with all attempts.",
    queries: [
      [of("cluster", "job_cluster:sidecar_upstream_request_seconds:p99_rate5m"), "{{cluster}}"],
    ],
    unit: "s",
  }),
  curve({
    title: "Time at a cluster, mean",
    description: "Compare with the listener's: the difference is what happens here.",
    queries: [
      [
        `${rate("cluster", "sidecar_upstream_request_seconds_sum")} / (${rate("cluster", "sidecar_upstream_request_seconds_count")} > 0)`,
        "{{cluster}}",
      ],
    ],
    unit: "s",
  }),
  curve({
    title: "Tried again",
    description: "Retries by a policy, what they saved, and what nobody noticed.",
    queries: Object.entries(calls).map(([metric, text]) => [
      rate("cluster", metric),
      `{{cluster}} ${text}`,
    ]),
    unit: "reqps",
  }),
  curve({
    title: "Retries withheld, 5 min",
    description: "Of those that were wanted. Above the line: SidecarRetriesWithheld.",
    queries: [[of("cluster", "job_cluster:sidecar_retries_withheld:ratio_rate5m"), "{{cluster}}"]],
    unit: "percentunit",
    max: 1,
    alertAbove: 0.5,
  }),
  curve({
    title: "Connections to hosts",
    description: "Open, being opened, and the requests that wait for one.",
    queries: [
      [sum("cluster", "sidecar_upstream_connections"), "{{cluster}} open"],
      [sum("cluster", "sidecar_upstream_connecting"), "{{cluster}} opening"],
      [sum("cluster", "sidecar_upstream_waiting"), "{{cluster}} waiting"],
    ],
  }),
  curve({
    title: "Breakers refuse, 5 min",
    description: "Of what is asked, retries aside. Above the line: SidecarBreakerRefusing.",
    queries: [[of("cluster", "job_cluster:sidecar_breaker_refusals:ratio_rate5m"), "{{cluster}}"]],
    unit: "percentunit",
    alertAbove: 0.05,
  }),
  curve({
    title: "Breakers: in use",
    description: "What counts against each of the four, and how much more they would grant.",
    queries: [
      [
        sum("cluster", "sidecar_breaker_active", ["priority", "resource"]),
        "{{cluster}} {{priority}} {{resource}}",
      ],
      [
        `${sum("cluster", "sidecar_breaker_remaining", ["priority", "resource"])} < 100`,
        "{{cluster}} {{priority}} {{resource}} left",
      ],
    ],
  }),
  curve({
    title: "Breakers: open",
    description: "1 where an instance grants no more.",
    queries: [
      [
        `max by (job, cluster, priority, resource) (${of("cluster", "sidecar_breaker_open")})`,
        "{{cluster}} {{priority}} {{resource}}",
      ],
    ],
    max: 1,
  }),
];

export const hostPanels: readonly Panel[] = [
  curve({
    title: "Hosts",
    description: "All, and those that are well, as the worst-off instance sees it.",
    queries: [
      [`min by (job, cluster) (${of("cluster", "sidecar_hosts")})`, "{{cluster}} all"],
      [`min by (job, cluster) (${of("cluster", "sidecar_hosts_available")})`, "{{cluster}} well"],
    ],
  }),
  curve({
    title: "Ejected",
    description: "Put aside by outlier detection, in all instances.",
    queries: [[sum("cluster", "sidecar_hosts_ejected"), "{{cluster}}"]],
  }),
  curve({
    title: "Outliers",
    description: "Found, put aside, and spared because enough are out: SidecarEjectionsAtMaximum.",
    queries: [
      [rate("cluster", "sidecar_outliers_detected_total", ["kind"]), "{{cluster}} {{kind}} found"],
      [rate("cluster", "sidecar_outliers_enforced_total", ["kind"]), "{{cluster}} {{kind}} out"],
      [rate("cluster", "sidecar_outliers_spared_total"), "{{cluster}} spared"],
    ],
    unit: "none",
  }),
  curve({
    title: "Health checks",
    description: "Probes by how they ended; those without an answer are failures as well.",
    queries: [
      [rate("cluster", "sidecar_health_checks_total", ["outcome"]), "{{cluster}} {{outcome}}"],
      [rate("cluster", "sidecar_health_checks_unanswered_total"), "{{cluster}} unanswered"],
    ],
    unit: "none",
  }),
  curve({
    title: "Choices out of the ordinary",
    description: "Without regard to health (panic), outside the subset, or of nobody.",
    queries: [
      [rate("cluster", "sidecar_balancer_panics_total"), "{{cluster}} panic"],
      [rate("cluster", "sidecar_balancer_subset_fallbacks_total"), "{{cluster}} fallback"],
      [rate("cluster", "sidecar_balancer_no_host_total"), "{{cluster}} nobody"],
    ],
    unit: "reqps",
  }),
  curve({
    title: "Lookups",
    description: "Of names, and those that brought no address: the old ones stay then.",
    queries: [
      [rate("cluster", "sidecar_lookups_total"), "{{cluster}}"],
      [rate("cluster", "sidecar_lookups_failed_total", ["reason"]), "{{cluster}} {{reason}}"],
    ],
    unit: "none",
  }),
];

export const gatePanels: readonly Panel[] = [
  curve({
    title: "Handshakes failing, 5 min",
    description: "Of all. Above the line for 10 minutes: SidecarHandshakesFailing.",
    queries: [
      [of("listener", "job_listener:sidecar_handshakes_failed:ratio_rate5m"), "{{listener}}"],
    ],
    unit: "percentunit",
    max: 1,
    alertAbove: 0.05,
  }),
  curve({
    title: "Handshakes",
    description: "That succeeded, and that did not, by the reason.",
    queries: [
      [rate("listener", "sidecar_handshakes_total"), "{{listener}}"],
      [
        `${rate("listener", "sidecar_handshakes_failed_total", ["reason"])} > 0`,
        "{{listener}} {{reason}}",
      ],
    ],
    unit: "none",
  }),
  curve({
    title: "Messages refused",
    description: "By the rule that they broke: they never became a request.",
    queries: [[`${processRate("sidecar_requests_refused_total", "rule")} > 0`, "{{rule}}"]],
    unit: "none",
    stacked: true,
  }),
  curve({
    title: "Cut off by the codec",
    description: "Timers, floods of frames, and answers of hosts that were no HTTP.",
    queries: [[`${processRate("sidecar_codec_events_total", "event")} > 0`, "{{event}}"]],
    unit: "none",
    stacked: true,
  }),
  curve({
    title: "Life left of certificates",
    description:
      "Of the time that each was made out for. Below a tenth: SidecarCertificateExpiring.",
    queries: [
      [
        'min by (job, file) ((sidecar_certificate_expires_timestamp_seconds{job=~"$job"} - time()) / sidecar_certificate_lifetime_seconds{job=~"$job"})',
        "{{file}}",
      ],
    ],
    unit: "percentunit",
    max: 1,
  }),
  curve({
    title: "Certificates replaced, 15 min",
    description: "New contents of files. Refused: it made no sense, and the old one stays.",
    queries: [
      [
        'sum by (job, outcome) (increase(sidecar_certificate_changes_total{job=~"$job"}[15m]))',
        "{{outcome}}",
      ],
    ],
  }),
  curve({
    title: "Live",
    description: "Instances to which requests may be sent. What is 0 for long: SidecarNotLive.",
    queries: [['sum by (job) (sidecar_live{job=~"$job"})', "{{job}}"]],
  }),
  curve({
    title: "Configurations, 15 min",
    description:
      "Taken, and refused: SidecarConfigurationRejected. 1 where instances differ; for long: SidecarConfigurationsDiffer.",
    queries: [
      [
        'sum by (job, outcome) (increase(sidecar_configurations_total{job=~"$job"}[15m]))',
        "{{job}} {{outcome}}",
      ],
      [
        'max by (job) (sidecar_configuration_digest{job=~"$job"}) != bool min by (job) (sidecar_configuration_digest{job=~"$job"})',
        "{{job}} differ",
      ],
    ],
  }),
  curve({
    title: "Lines of access logs",
    description: "A second. What is dropped was more than the disk takes: SidecarAccessLogLosing.",
    queries: [[processRate("sidecar_access_log_lines_total", "outcome"), "{{outcome}}"]],
    unit: "none",
  }),
];
