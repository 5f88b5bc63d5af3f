// A cluster through random updates, changes of health, ejections and sweeps, with every algorithm:
// what it chooses is one of its hosts, and one that is available as long as any is.
import { ManualClock, pick, SeededRandom } from "@compendium/runtime";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Cluster } from "../../src/cluster/cluster.ts";
import { isAvailable } from "../../src/cluster/host.ts";
import type { BalancerConfig } from "../../src/config/cluster-config.ts";
import { defaults } from "../outlier/config.ts";
import { clusterConfig, endpoint, locality } from "./config.ts";

const balancers: readonly BalancerConfig[] = [
  { kind: "round-robin" },
  { kind: "random" },
  { kind: "least-request", choices: 2, activeBias: 1 },
  { kind: "peak-ewma", decayMs: 10_000 },
  { kind: "ring-hash", sizeMin: 64, sizeMax: 1_024 },
  { kind: "maglev", tableSize: 251 },
];

function randomPlaces(script: SeededRandom) {
  return Array.from({ length: script.below(4) }, (_, i) => {
    const endpoints = Array.from({ length: script.below(5) }, () => {
      return endpoint(`10.0.0.${script.below(12)}`, { weight: 1 + script.below(5) });
    });
    return locality(endpoints, {
      priority: script.below(3),
      zone: `${i}`,
      weight: script.below(3),
    });
  });
}

function live(seed: number, steps: number): { chosen: number; ejected: number } {
  const script = new SeededRandom(seed);
  const clock = new ManualClock();
  const config = clusterConfig({
    balancer: pick(script, balancers),
    endpoints: randomPlaces(script),
    panicThreshold: pick(script, [0, 50]),
    usesLocalityWeights: script.below(2) === 0,
    outliers: { ...defaults, ejectionPercentMax: 60 },
    slowStart:
      script.below(2) === 0 ? { windowMs: 60_000, aggression: 2, weightMin: 10 } : undefined,
  });
  const cluster = new Cluster({ config, clock, random: new SeededRandom(seed + 1) });
  const underWay: NonNullable<ReturnType<Cluster["choose"]>>[] = [];
  const seen = { chosen: 0, ejected: 0 };
  for (let step = 0; step < steps; step++) {
    const hosts = [...cluster.hosts.hosts()];
    const kind = script.below(20);
    if (kind === 0) cluster.update(randomPlaces(script));
    else if (kind === 1 && hosts.length > 0) {
      const host = pick(script, hosts);
      host.isHealthy = !host.isHealthy;
      cluster.healthChecked(host, true);
    } else if (kind === 2) {
      clock.advance(10_000);
      cluster.outliers!.sweep();
    } else if (kind < 12) {
      const host = cluster.choose({ hash: script.below(2 ** 53) });
      check(cluster, host, config.panicThreshold > 0);
      if (host !== undefined) {
        seen.chosen++;
        cluster.begin(host);
        underWay.push(host);
      }
    } else if (underWay.length > 0) {
      clock.advance(script.below(50));
      cluster.end(underWay.shift()!, pick(script, [200, 503, "timed-out", "cancelled"]), 5);
    }
    const ejected = [...cluster.hosts.hosts()].filter((host) => host.isEjected).length;
    expect(cluster.outliers!.numbers.active).toBe(ejected);
    seen.ejected += ejected;
  }
  for (const host of underWay) cluster.end(host, "cancelled", 5);
  for (const host of cluster.hosts.hosts()) expect(host.numbers.activeRequests).toBe(0);
  return seen;
}

function check(cluster: Cluster, host: ReturnType<Cluster["choose"]>, mayPanic: boolean): void {
  const hosts = [...cluster.hosts.hosts()];
  const hasAvailable = hosts.some(isAvailable);
  if (host === undefined) {
    // Of no hosts, or of sick ones that must not be used.
    expect(hasAvailable || (mayPanic && hosts.length > 0)).toBe(false);
    return;
  }
  expect(hosts).toContain(host);
  if (!mayPanic) expect(isAvailable(host)).toBe(true);
}

test("it chooses one of its hosts, an available one unless it panics, and none only if it must", () => {
  let chosen = 0;
  let ejected = 0;
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const seen = live(seed, 200);
      chosen += seen.chosen;
      ejected += seen.ejected;
    }),
    { numRuns: 150 },
  );
  expect(chosen).toBeGreaterThan(5_000);
  expect(ejected).toBeGreaterThan(500);
});
