// What the tests of balancing share: hosts by the dozen, and how often each was picked.
import { SeededRandom } from "@compendium/runtime";
import type { HostPicker, RequestHash, WeightedHosts } from "../../src/balance/balancer.ts";
import type { BalanceSettings } from "../../src/balance/level.ts";
import type { BalanceNumbers } from "../../src/balance/priority-balancer.ts";
import { type Host, makeHost } from "../../src/cluster/host.ts";
import type { HostGroup } from "../../src/cluster/host-set.ts";

/** 10.0.0.1:8080, 10.0.0.2:8080, … */
export function makeHosts(count: number, more: Partial<Omit<Host, "numbers">> = {}): Host[] {
  return Array.from({ length: count }, (_, i) =>
    makeHost({ address: `10.0.${i >> 8}.${i & 255}:8080`, port: 8080, ...more }),
  );
}

export function equal(hosts: readonly Host[]): WeightedHosts {
  return { hosts, weights: hosts.map(() => 1) };
}

export function weighted(weights: readonly number[]): WeightedHosts {
  return { hosts: makeHosts(weights.length), weights };
}

/** How often each host was picked. */
export function countPicks(
  picker: HostPicker,
  hosts: readonly Host[],
  picks: number,
  hashOf: (pick: number) => RequestHash = () => 0,
): number[] {
  const counts = new Map<Host, number>(hosts.map((host) => [host, 0]));
  for (let i = 0; i < picks; i++) {
    const host = picker.pick(hashOf(i), 0);
    counts.set(host, counts.get(host)! + 1);
  }
  return [...counts.values()];
}

/** Of a priority, `count` hosts, the first `available` of which are well. */
export function makeGroup(
  count: number,
  available: number,
  more: { priority?: number; weight?: number; name?: string } = {},
): HostGroup {
  const { priority = 0, weight = 0, name = `p${priority}` } = more;
  const locality = { region: name, zone: "", subZone: "" };
  const hosts = Array.from({ length: count }, (_, i) =>
    makeHost({
      address: `${name}-${i}:80`,
      port: 80,
      priority,
      locality,
      isHealthy: i < available,
    }),
  );
  return { locality, priority, weight, hosts };
}

export function settingsOf(more: Partial<BalanceSettings> = {}): BalanceSettings {
  return {
    balancer: { kind: "round-robin" },
    overprovisioningFactor: 140,
    panicThreshold: 50,
    usesLocalityWeights: false,
    slowStart: undefined,
    clock: { now: () => 0 },
    random: new SeededRandom(1),
    ...more,
  };
}

export function zeroNumbers(): BalanceNumbers {
  return { panics: 0, subsetFallbacks: 0 };
}

/** A different hash of 53 bits for each number, evenly spread. */
export function spread(seed: number): () => number {
  const random = new SeededRandom(seed);
  return () => random.below(2 ** 53);
}
