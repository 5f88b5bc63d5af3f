// Round robin: everybody in turn. It is the fairest by count and blind to everything else: a host
// that is twenty times slower gets as many requests as the others, and collects them.
//
// Equal weights need no more than an index. Unequal ones, and those that still grow, follow the
// schedule of edf.ts. Both begin at random, or proxies that start together would march in step.
import type { Random } from "@compendium/runtime";
import type { Host } from "../cluster/host.ts";
import { areEqual, type HostPicker, type WeightedHosts } from "./balancer.ts";
import { EdfSchedule } from "./edf.ts";
import type { SlowStart } from "./slow-start.ts";

/**
 * Between two picks of a host of weight w, one of weight v is picked v / w times, rounded down or
 * up. O(1) with equal weights, else O(log n).
 */
export function roundRobin(
  weighted: WeightedHosts,
  slowStart: SlowStart | undefined,
  random: Pick<Random, "below">,
): HostPicker {
  const { hosts, weights } = weighted;
  const isPlain = areEqual(weights) && !slowStart?.concerns(hosts);
  return isPlain ? new Rotation(hosts, random) : new Scheduled(weighted, slowStart, random);
}

class Rotation implements HostPicker {
  readonly #hosts: readonly Host[];
  #next: number;

  constructor(hosts: readonly Host[], random: Pick<Random, "below">) {
    this.#hosts = hosts;
    this.#next = random.below(hosts.length);
  }

  pick(): Host {
    const host = this.#hosts[this.#next]!;
    this.#next = this.#next + 1 === this.#hosts.length ? 0 : this.#next + 1;
    return host;
  }
}

class Scheduled implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #schedule: EdfSchedule;

  constructor(
    { hosts, weights }: WeightedHosts,
    slowStart: SlowStart | undefined,
    random: Pick<Random, "below">,
  ) {
    this.#hosts = hosts;
    const weightOf = (item: number): number =>
      slowStart === undefined ? weights[item]! : weights[item]! * slowStart.factor(hosts[item]!);
    this.#schedule = new EdfSchedule(hosts.length, weightOf, random);
  }

  pick(): Host {
    return this.#hosts[this.#schedule.pick()]!;
  }
}
