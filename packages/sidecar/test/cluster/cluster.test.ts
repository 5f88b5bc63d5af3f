// The parts together: a choice, an end, an ejection, an update.
import { ManualClock, SeededRandom } from "@compendium/runtime";
import { describe, expect, test } from "vitest";
import { Cluster } from "../../src/cluster/cluster.ts";
import type { Host } from "../../src/cluster/host.ts";
import type { ClusterConfig, HealthCheckConfig } from "../../src/config/cluster-config.ts";
import { defaults } from "../outlier/config.ts";
import { clusterConfig, endpoint, locality } from "./config.ts";

const three = [locality([endpoint("a"), endpoint("b"), endpoint("c")])];

function setUp(more: Partial<ClusterConfig> = {}) {
  const clock = new ManualClock();
  const config = clusterConfig({ endpoints: three, ...more });
  const cluster = new Cluster({ config, clock, random: new SeededRandom(1) });
  const chosen = (context = {}): Set<Host | undefined> =>
    new Set(Array.from({ length: 60 }, () => cluster.choose(context)));
  return { clock, cluster, chosen, hosts: [...cluster.hosts.hosts()] };
}

describe("a cluster", () => {
  test("makes its balancer once for any number of choices, and once for a burst of changes", () => {
    const { cluster, chosen, hosts } = setUp();
    expect(cluster.numbers.rebuilds).toBe(0);
    chosen();
    expect(cluster.numbers.rebuilds).toBe(1);
    for (const host of hosts) {
      host.isHealthy = false;
      cluster.hostChanged();
      host.isHealthy = true;
      cluster.hostChanged();
    }
    chosen();
    expect(cluster.numbers.rebuilds).toBe(2);
  });

  test("sends nothing to a host that was ejected, until it returns", () => {
    const outliers = { ...defaults, ejectionPercentMax: 50 };
    const { cluster, chosen, clock, hosts } = setUp({ outliers });
    for (let i = 0; i < 5; i++) {
      cluster.begin(hosts[0]!);
      cluster.end(hosts[0]!, 503, 1);
    }
    expect(chosen()).toEqual(new Set(hosts.slice(1)));
    expect(cluster.availableHosts).toBe(2);
    clock.advance(30_000);
    cluster.outliers!.sweep();
    expect(chosen()).toEqual(new Set(hosts));
    expect(hosts[0]!.numbers).toMatchObject({ requests: 5, failures: 5, activeRequests: 0 });
  });

  test("takes an ejected host back when a health check has found it well", () => {
    const outliers = { ...defaults, ejectionPercentMax: 100 };
    const { cluster, chosen, hosts } = setUp({ outliers });
    for (let i = 0; i < 5; i++) cluster.outliers!.reportStatus(hosts[0]!, 500);
    hosts[1]!.isHealthy = false;
    cluster.healthChecked(hosts[1]!, true);
    expect(cluster.availableHosts).toBe(1);
    cluster.healthChecked(hosts[0]!, false);
    expect(chosen()).toEqual(new Set([hosts[0], hosts[2]]));
  });

  test("holds nothing against a host whose request was cancelled", () => {
    const { cluster, hosts } = setUp({ outliers: { ...defaults, ejectionPercentMax: 100 } });
    for (let i = 0; i < 20; i++) {
      cluster.begin(hosts[0]!);
      cluster.end(hosts[0]!, "cancelled", 1);
    }
    expect(hosts[0]!.isEjected).toBe(false);
    expect(hosts[0]!.numbers).toMatchObject({ activeRequests: 0, failures: 0, latencyMs: 0 });
  });

  test("tells of connections only where local origins are split", () => {
    for (const splitsLocalOrigin of [false, true]) {
      const outliers = { ...defaults, splitsLocalOrigin, ejectionPercentMax: 100 };
      const { cluster, hosts } = setUp({ outliers });
      for (let i = 0; i < 4; i++) {
        cluster.begin(hosts[0]!);
        cluster.end(hosts[0]!, "connect-failed", 1);
      }
      cluster.connected(hosts[0]!);
      cluster.begin(hosts[0]!);
      cluster.end(hosts[0]!, "timed-out", 1);
      expect(hosts[0]!.isEjected).toBe(!splitsLocalOrigin);
    }
  });

  test("keeps hosts through an update, and forgets those that left", () => {
    const { cluster, chosen, hosts } = setUp();
    chosen();
    const { added, removed } = cluster.update([locality([endpoint("b"), endpoint("d")])]);
    expect(added.map(({ address }) => address)).toEqual(["d:80"]);
    expect(removed).toEqual([hosts[0], hosts[2]]);
    expect(chosen()).toEqual(new Set([hosts[1], added[0]]));
  });

  test("with active health checks, takes a new host only when it has proved well", () => {
    const healthChecks = [{}] as unknown as HealthCheckConfig[];
    const { cluster, chosen, hosts } = setUp({ healthChecks, panicThreshold: 0 });
    expect(chosen()).toEqual(new Set([undefined]));
    expect(cluster.numbers.noHost).toBe(60);
    hosts[1]!.isHealthy = true;
    cluster.hostChanged();
    expect(chosen()).toEqual(new Set([hosts[1]]));
  });

  test("goes through subset, priority and algorithm", () => {
    const at = (name: string, v: string) => endpoint(name, { metadata: { v } });
    const { cluster, chosen } = setUp({
      endpoints: [
        locality([at("a", "1"), at("b", "2")]),
        locality([at("c", "1"), at("d", "2")], { priority: 1 }),
      ],
      subsets: { selectors: [["v"]], fallback: "any", default: {} },
    });
    const [a, b, c] = cluster.hosts.hosts();
    expect(chosen({ subset: { v: "1" } })).toEqual(new Set([a]));
    a!.isHealthy = false;
    cluster.hostChanged();
    expect(chosen({ subset: { v: "1" } })).toEqual(new Set([c]));
    expect(chosen({ subset: { v: "2" } })).toEqual(new Set([b]));
  });

  test("notes latencies for peak-EWMA", () => {
    const { cluster, hosts } = setUp({ balancer: { kind: "peak-ewma", decayMs: 10_000 } });
    for (const [i, host] of hosts.entries()) {
      cluster.begin(host);
      cluster.end(host, 200, i === 0 ? 1_000 : 10);
    }
    expect(hosts.map((host) => host.numbers.latencyMs)).toEqual([1_000, 10, 10]);
    const picks = Array.from({ length: 100 }, () => cluster.choose({}));
    expect(picks).not.toContain(hosts[0]);
  });
});
