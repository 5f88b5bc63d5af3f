// What clusters have to show: requests to them, connections, breakers, hosts, and who found out
// that a host is not well.
import type { Resource } from "../cluster/breakers.ts";
import { outlierKinds } from "../outlier/outlier-kinds.ts";
import { FamilyList, type Row } from "./family-list.ts";
import type { MeasurableCluster } from "./measurable.ts";
import { statusClasses } from "./meter.ts";
import type { SidecarFamily } from "./readings.ts";

type Clusters = FamilyList<MeasurableCluster>;

const cluster = "cluster.{cluster}.";

/** Families of these clusters, which have names of their own. */
export function clusterFamilies(clusters: readonly MeasurableCluster[]): SidecarFamily[] {
  const list = new FamilyList("cluster", clusters);
  addRequests(list);
  addConnections(list);
  addBreakers(list);
  addHosts(list);
  addChecks(list);
  return list.families;
}

function addRequests(list: Clusters): void {
  list.addBy(
    [
      "counter",
      "upstream_requests_total",
      "Requests that went to a cluster and have ended, by the class of the status.",
      `${cluster}upstream_rq_{class}`,
    ],
    "class",
    statusClasses,
    (it) => it.traffic().requests,
  );
  list.add(
    [
      "histogram",
      "upstream_request_seconds",
      "From the request's head to the end, with all attempts.",
      `${cluster}upstream_rq_time`,
    ],
    (it) => it.traffic().seconds,
  );
  const calls = [
    ["repeated", "Sent again unnoticed: a connection had closed before.", "upstream_rq_repeat"],
    ["retries", "Retries by a policy.", "upstream_rq_retry"],
    ["retriesRefused", "Retries that the breaker withheld.", "upstream_rq_retry_overflow"],
    ["retriesExhausted", "Requests out of retries.", "upstream_rq_retry_limit_exceeded"],
    ["retriesSucceeded", "Requests that a retry saved.", "upstream_rq_retry_success"],
    ["tryTimeouts", "Single tries that took too long.", "upstream_rq_per_try_timeout"],
    ["hedges", "Attempts beside another one.", "upstream_rq_hedge"],
  ] as const;
  for (const [key, help, envoy] of calls) {
    const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    list.add(["counter", `upstream_${name}_total`, help, cluster + envoy], (it) => it.calls()[key]);
  }
}

function addConnections(list: Clusters): void {
  const pools = [
    ["connections", "Connections that are open.", "upstream_cx_active"],
    ["connecting", "Connections that are being opened.", "upstream_cx_connecting"],
    ["waiting", "Requests that wait for a connection.", "upstream_rq_pending_active"],
  ] as const;
  for (const [key, help, envoy] of pools) {
    list.add(["gauge", `upstream_${key}`, help, cluster + envoy], (it) => it.pools()[key]);
  }
}

const priorities = ["default", "high"] as const;
const resources: readonly Resource[] = ["connections", "pending", "requests", "retries"];

function addBreakers(list: Clusters): void {
  const envoy = `${cluster}circuit_breakers.{priority}.`;
  type Breakers = MeasurableCluster["cluster"]["breakers"]["default"];
  const add = (row: Row, read: (breakers: Breakers, resource: Resource) => number): void => {
    list.addSeries(row, { priority: priorities, resource: resources }, (it, emit) => {
      for (const priority of priorities) {
        for (const resource of resources) {
          emit(read(it.cluster.breakers[priority], resource), { priority, resource });
        }
      }
    });
  };
  add(
    [
      "gauge",
      "breaker_active",
      "What is under way and counts against a breaker.",
      `${envoy}active_{resource}`,
    ],
    (breakers, resource) => breakers.active(resource),
  );
  add(
    [
      "gauge",
      "breaker_remaining",
      "How much more a breaker would grant.",
      `${envoy}remaining_{resource}`,
    ],
    (breakers, resource) => Math.max(0, breakers.limit(resource) - breakers.active(resource)),
  );
  add(
    ["gauge", "breaker_open", "1 where a breaker grants no more.", `${envoy}{resource}_open`],
    (breakers, resource) => Number(!breakers.allows(resource)),
  );
  add(
    [
      "counter",
      "breaker_refused_total",
      "What a breaker did not grant.",
      `${envoy}{resource}_overflow`,
    ],
    (breakers, resource) => breakers.refused(resource),
  );
}

function addHosts(list: Clusters): void {
  const outliers = `${cluster}outlier_detection.`;
  list.add(
    ["gauge", "hosts", "Hosts that there are.", `${cluster}membership_total`],
    (it) => it.cluster.hosts.size,
  );
  list.add(
    [
      "gauge",
      "hosts_available",
      "Hosts that are healthy and not ejected.",
      `${cluster}membership_healthy`,
    ],
    (it) => it.cluster.availableHosts,
  );
  list.add(
    ["gauge", "hosts_ejected", "Hosts that are put aside.", `${outliers}ejections_active`],
    (it) => it.cluster.outliers?.numbers.active ?? 0,
  );
  const kinds = [
    ["detected", "Hosts that stood out, by how.", "ejections_detected_{kind}"],
    ["enforced", "Hosts that were put aside, by how they stood out.", "ejections_enforced_{kind}"],
  ] as const;
  for (const [key, help, envoy] of kinds) {
    list.addBy(
      ["counter", `outliers_${key}_total`, help, outliers + envoy],
      "kind",
      outlierKinds,
      (it) => it.cluster.outliers?.numbers[key],
    );
  }
  list.add(
    [
      "counter",
      "outliers_spared_total",
      "Ejections that the maximum has prevented.",
      `${outliers}ejections_overflow`,
    ],
    (it) => it.cluster.outliers?.numbers.overflow,
  );
}

function addChecks(list: Clusters): void {
  list.addBy(
    [
      "counter",
      "health_checks_total",
      "Probes that have ended.",
      `${cluster}health_check.{outcome}`,
    ],
    "outcome",
    ["success", "failure"],
    (it) => {
      const health = it.numbers.health;
      return health && { success: health.successes, failure: health.failures };
    },
  );
  list.add(
    [
      "counter",
      "health_checks_unanswered_total",
      "Failed probes that had no answer.",
      `${cluster}health_check.network_failure`,
    ],
    (it) => it.numbers.health?.networkFailures,
  );
  list.add(
    ["counter", "lookups_total", "Lookups of names.", `${cluster}update_attempt`],
    (it) => it.numbers.dns?.lookups,
  );
  list.addBy(
    [
      "counter",
      "lookups_failed_total",
      "Lookups that brought no address: no answer, or an empty one.",
      `${cluster}update_{reason}`,
    ],
    "reason",
    ["failure", "empty"],
    (it) => {
      const { dns } = it.numbers;
      return dns && { failure: dns.failures, empty: dns.empty };
    },
  );
  const choices = [
    ["panics", "panics", "Choices without regard to health.", "lb_healthy_panic"],
    ["subsetFallbacks", "subset_fallbacks", "Choices outside the subset.", "lb_subsets_fallback"],
    ["noHost", "no_host", "Choices that found no host.", "upstream_cx_none_healthy"],
  ] as const;
  for (const [key, name, help, envoy] of choices) {
    list.add(
      ["counter", `balancer_${name}_total`, help, cluster + envoy],
      (it) => it.cluster.numbers[key],
    );
  }
}
