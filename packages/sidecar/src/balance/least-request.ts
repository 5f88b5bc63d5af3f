// Least request: of a few hosts drawn at random, the one with the fewest requests under way (M.
// Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 1996). One draw leaves the
// fullest host with log n / log log n, two with log log n; looking at all of them gains little
// more, and would send every proxy's next request to the same host.
//
// With unequal weights Envoy takes another way, and so is it done here: the schedule of edf.ts,
// with
//
//     weight / (requests under way + 1) ^ activeBias
//
// An activeBias of 0 is weighted round robin; the higher, the more a busy host is spared.
import type { Random } from "@compendium/runtime";
import type { Host } from "../cluster/host.ts";
import { areEqual, type HostPicker, type WeightedHosts } from "./balancer.ts";
import { EdfSchedule } from "./edf.ts";
import type { SlowStart } from "./slow-start.ts";

/** How least request chooses. */
export interface LeastRequestOptions {
  /** How many hosts are drawn, if weights are equal. */
  readonly choices: number;
  /** How much requests under way weigh, if they are not. */
  readonly activeBias: number;
}

/** O(choices) with equal weights, else O(log n). */
export function leastRequest(
  weighted: WeightedHosts,
  { choices, activeBias }: LeastRequestOptions,
  slowStart: SlowStart | undefined,
  random: Pick<Random, "below">,
): HostPicker {
  const { hosts, weights } = weighted;
  if (areEqual(weights) && !slowStart?.concerns(hosts)) return new Choices(hosts, choices, random);
  return new Scheduled(weighted, activeBias, slowStart, random);
}

class Choices implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #choices: number;
  readonly #random: Pick<Random, "below">;

  constructor(hosts: readonly Host[], choices: number, random: Pick<Random, "below">) {
    this.#hosts = hosts;
    this.#choices = choices;
    this.#random = random;
  }

  pick(): Host {
    const hosts = this.#hosts;
    let best = hosts[this.#random.below(hosts.length)]!;
    for (let i = 1; i < this.#choices; i++) {
      const other = hosts[this.#random.below(hosts.length)]!;
      if (other.numbers.activeRequests < best.numbers.activeRequests) best = other;
    }
    return best;
  }
}

class Scheduled implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #schedule: EdfSchedule;

  constructor(
    { hosts, weights }: WeightedHosts,
    activeBias: number,
    slowStart: SlowStart | undefined,
    random: Pick<Random, "below">,
  ) {
    this.#hosts = hosts;
    const weightOf = (item: number): number => {
      const host = hosts[item]!;
      const busy = host.numbers.activeRequests + 1;
      const weight = weights[item]! / (activeBias === 1 ? busy : busy ** activeBias);
      return slowStart === undefined ? weight : weight * slowStart.factor(host);
    };
    this.#schedule = new EdfSchedule(hosts.length, weightOf, random);
  }

  pick(): Host {
    return this.#hosts[this.#schedule.pick()]!;
  }
}
