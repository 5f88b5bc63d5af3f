// One slow host among ten, in virtual time: requests come at random moments, every host works on
// each of its own for a random time, and one takes twenty times as long. What does a caller wait
// for?
import { ManualClock, type Random, SeededRandom } from "@compendium/runtime";
import { Cluster } from "../../src/cluster/cluster.ts";
import type { BalancerConfig } from "../../src/config/cluster-config.ts";
import { clusterConfig, endpoint, locality } from "./config.ts";

export interface Experiment {
  readonly balancer: BalancerConfig;
  readonly requests: number;
  readonly seed: number;
  /** By how much the last of the ten hosts is slower. */
  readonly slowdown: number;
}

/** Latencies in ms, in ascending order. */
export function latencies({ balancer, requests, seed, slowdown }: Experiment): number[] {
  const clock = new ManualClock();
  const random = new SeededRandom(seed);
  const names = Array.from({ length: 10 }, (_, i) => `10.0.0.${i}`);
  const config = clusterConfig({
    balancer,
    endpoints: [locality(names.map((name) => endpoint(name)))],
  });
  const cluster = new Cluster({ config, clock, random: new SeededRandom(seed + 1) });
  const slow = cluster.hosts.get("10.0.0.9:80");
  const measured: number[] = [];
  for (let i = 0; i < requests; i++) {
    // 500 requests a second: fifty to each host, of which each could serve many more.
    clock.advance(exponential(random, 2));
    const host = cluster.choose({})!;
    cluster.begin(host);
    const takesMs = (5 + exponential(random, 5)) * (host === slow ? slowdown : 1);
    clock.setTimer(clock.now() + takesMs, () => {
      cluster.end(host, 200, takesMs);
      measured.push(takesMs);
    });
  }
  clock.advance(1_000_000);
  return measured.toSorted((a, b) => a - b);
}

/** The latency below which that part of requests lies. */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.floor(((sorted.length - 1) * percent) / 100)]!;
}

function exponential(random: Random, meanMs: number): number {
  return -meanMs * Math.log((random.below(2 ** 32) + 1) / 2 ** 32);
}
