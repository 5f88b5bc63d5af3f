// The numbers of several workers as those of one. Most are added. Some each worker has the whole
// of, because it runs the whole document: the number of hosts, the digest of the configuration.
// There the most that one of them sees is shown, and the least where it is about being well.
//
// A counter never goes back, as long as the primary lives: of a worker that has ended, or does not
// answer, what it said last stays in the sum. Without that a restart would look to Prometheus like
// a reset of all of them, and `rate()` would count the other workers' whole past as a burst. What
// such a worker has counted since it was last asked is lost.
import type { ClusterStatus, HostStatus } from "../admin/clusters.ts";
import type { Combine } from "../observe/readings.ts";

const wholes: ReadonlyMap<string, "max" | "min"> = new Map([
  ["nodejs_eventloop_delay_seconds", "max"],
  ["nodejs_version_info", "max"],
  ["process_start_time_seconds", "min"],
  ["sidecar_breaker_open", "max"],
  ["sidecar_certificate_changes_total", "max"],
  ["sidecar_certificate_expires_timestamp_seconds", "min"],
  ["sidecar_certificate_lifetime_seconds", "max"],
  ["sidecar_configuration_digest", "max"],
  ["sidecar_configurations_total", "max"],
  ["sidecar_hosts", "max"],
  ["sidecar_hosts_available", "min"],
  ["sidecar_hosts_ejected", "max"],
  ["sidecar_live", "min"],
]);

/** How a series of several workers becomes one. */
export const combineWorkers: Combine = (name, labels) => {
  const { number } = labels;
  if (name === "sidecar_filter_number" && number === "min_rtt_ms") return "min";
  return wholes.get(name) ?? "sum";
};

interface Counted {
  readonly type: string;
}

/** What workers have said of their numbers, by their index. */
export class Totals<T extends Counted> {
  readonly #sum: (parts: Iterable<readonly T[]>) => T[];
  readonly #last = new Map<number, readonly T[]>();
  #departed: readonly T[] = [];

  /** @param sum adds the numbers of several processes up */
  constructor(sum: (parts: Iterable<readonly T[]>) => T[]) {
    this.#sum = sum;
  }

  /** The numbers of all, given those that have answered now. */
  of(answers: ReadonlyMap<number, readonly T[]>): T[] {
    for (const [index, answer] of answers) this.#last.set(index, answer);
    const silent = [...this.#last].filter(([index]) => !answers.has(index));
    const kept = silent.map(([, answer]) => answer.filter(isTotal));
    return this.#sum([...answers.values(), ...kept, this.#departed]);
  }

  /** A worker has ended; its successor counts from 0. */
  depart(index: number): void {
    const last = this.#last.get(index);
    if (last === undefined) return;
    this.#last.delete(index);
    this.#departed = this.#sum([this.#departed, last.filter(isTotal)]);
  }
}

const isTotal = ({ type }: Counted): boolean => type === "counter" || type === "histogram";

/** What `/clusters` shows of several workers: numbers and limits are added. */
export function sumClusters(workers: Iterable<readonly ClusterStatus[]>): ClusterStatus[] {
  const sums = new Map<string, ClusterStatus>();
  for (const clusters of workers) {
    for (const cluster of clusters) {
      const before = sums.get(cluster.name);
      sums.set(cluster.name, before === undefined ? cluster : addCluster(before, cluster));
    }
  }
  return [...sums.values()];
}

function addCluster(a: ClusterStatus, b: ClusterStatus): ClusterStatus {
  const hosts = new Map(a.hosts.map((host) => [host.address, host]));
  for (const host of b.hosts) {
    const before = hosts.get(host.address);
    hosts.set(host.address, before === undefined ? host : addHost(before, host));
  }
  return {
    ...a,
    breakers: {
      default: addNumbers(a.breakers.default, b.breakers.default),
      high: addNumbers(a.breakers.high, b.breakers.high),
    },
    // Each judges by what it has seen itself; one of them stands for all.
    outliers: a.outliers?.mean === undefined ? b.outliers : a.outliers,
    hosts: [...hosts.values()],
  };
}

// A host that one worker does not use is shown as such: that is what somebody looks for.
function addHost(a: HostStatus, b: HostStatus): HostStatus {
  return {
    ...a,
    numbers: addNumbers(a.numbers, b.numbers),
    isHealthy: a.isHealthy && b.isHealthy,
    isEjected: a.isEjected || b.isEjected,
  };
}

function addNumbers<K extends string>(
  a: Readonly<Record<K, number>>,
  b: Readonly<Record<K, number>>,
): Record<K, number> {
  const sums = Object.entries<number>(a).map(([key, value]) => [key, value + b[key as K]]);
  return Object.fromEntries(sums) as Record<K, number>;
}
