// What a priority level picks from: its available hosts, or all of them in a panic; as one list, or
// first a locality and then a host of it (Envoy, "Locality weighted load balancing").
//
//     effective weight = locality weight × min(1, overprovisioning factor × available / hosts)
//
// So a place that has lost hosts keeps its share while it has room to spare, and then cedes it.
// Consistent hashing knows no turns: there the weights of localities and hosts are multiplied, and
// one table holds them all. As in Envoy, it does not look at how many hosts of a place are left.
import type { Clock, Random } from "@compendium/runtime";
import { type Host, isAvailable } from "../cluster/host.ts";
import type { HostGroup } from "../cluster/host-set.ts";
import type { BalancerConfig } from "../config/cluster-config.ts";
import type { HostPicker, RequestHash, WeightedHosts } from "./balancer.ts";
import { EdfSchedule } from "./edf.ts";
import { leastRequest } from "./least-request.ts";
import { MaglevPicker } from "./maglev.ts";
import { PeakEwmaPicker } from "./peak-ewma.ts";
import type { PriorityOptions } from "./priorities.ts";
import { RandomPicker } from "./random.ts";
import { RingHashPicker } from "./ring-hash.ts";
import { roundRobin } from "./round-robin.ts";
import type { SlowStart } from "./slow-start.ts";

/** What all balancers of a cluster have in common. */
export interface BalanceSettings extends PriorityOptions {
  readonly balancer: BalancerConfig;
  readonly usesLocalityWeights: boolean;
  readonly slowStart: SlowStart | undefined;
  readonly clock: Pick<Clock, "now">;
  readonly random: Pick<Random, "below">;
}

/** Whether requests with the same hash go to the same host. */
export function goesByHash({ kind }: BalancerConfig): boolean {
  return kind === "ring-hash" || kind === "maglev";
}

/** The algorithm of a cluster over some hosts, of which there is at least one. */
export function makePicker(hosts: WeightedHosts, settings: BalanceSettings): HostPicker {
  const { balancer, slowStart, clock, random } = settings;
  switch (balancer.kind) {
    case "round-robin":
      return roundRobin(hosts, slowStart, random);
    case "least-request":
      return leastRequest(hosts, balancer, slowStart, random);
    case "peak-ewma":
      return new PeakEwmaPicker(hosts, balancer.decayMs, clock, random);
    case "ring-hash":
      return new RingHashPicker(hosts, balancer);
    case "maglev":
      return new MaglevPicker(hosts, balancer.tableSize);
    case "random":
      return new RandomPicker(hosts, random);
  }
}

/** Picks among the hosts of one level; `undefined` if none may be used. */
export function makeLevelPicker(
  groups: readonly HostGroup[],
  isPanic: boolean,
  settings: BalanceSettings,
): HostPicker | undefined {
  const usable = groups
    .map((group) => ({ ...group, usable: isPanic ? group.hosts : group.hosts.filter(isAvailable) }))
    .filter((group) => group.usable.length > 0);
  if (usable.length === 0) return undefined;
  const weighted = usable.filter(({ weight }) => weight > 0);
  if (settings.usesLocalityWeights && weighted.length > 0) {
    if (goesByHash(settings.balancer)) return makePicker(multiplied(weighted), settings);
    // Who panics does not trust what is known of its hosts, nor of its places.
    if (!isPanic) return new LocalityPicker(weighted, settings);
  }
  return makePicker(unified(usable.flatMap((group) => group.usable)), settings);
}

interface UsableGroup extends HostGroup {
  readonly usable: readonly Host[];
}

function unified(hosts: readonly Host[]): WeightedHosts {
  return { hosts, weights: hosts.map(({ weight }) => weight) };
}

function multiplied(groups: readonly UsableGroup[]): WeightedHosts {
  const hosts = groups.flatMap(({ usable }) => usable);
  const weights = groups.flatMap(({ weight, usable }) => {
    const sum = usable.reduce((all, host) => all + host.weight, 0);
    return usable.map((host) => (host.weight * weight) / sum);
  });
  return { hosts, weights };
}

/** First a place, then a host of it. */
class LocalityPicker implements HostPicker {
  readonly #schedule: EdfSchedule;
  readonly #pickers: readonly HostPicker[];

  constructor(groups: readonly UsableGroup[], settings: BalanceSettings) {
    const weights = groups.map(({ weight, hosts, usable }) => {
      const available = (settings.overprovisioningFactor / 100) * (usable.length / hosts.length);
      return weight * Math.min(1, available);
    });
    this.#pickers = groups.map(({ usable }) => makePicker(unified(usable), settings));
    this.#schedule = new EdfSchedule(groups.length, (item) => weights[item]!, settings.random);
  }

  pick(hash: RequestHash, attempt: number): Host {
    return this.#pickers[this.#schedule.pick()]!.pick(hash, attempt);
  }
}
