// Random choice. It keeps no state, so that proxies which know nothing of each other cannot fall
// into step, and it needs no rebuild to be fair. It pays with variance: of n requests to n hosts,
// some host gets about log n / log log n (Raab and Steger, "Balls into Bins", 1998), where round
// robin has one.
//
// Weights count, as a reader of a weight would expect; in Envoy this balancer takes all hosts as
// equal.
import type { Random } from "@compendium/runtime";
import type { Host } from "../cluster/host.ts";
import { AliasTable } from "./alias-table.ts";
import { areEqual, type HostPicker, type WeightedHosts } from "./balancer.ts";

/** Picks each host as often as its weight says, independently of the last. O(1). */
export class RandomPicker implements HostPicker {
  readonly #hosts: readonly Host[];
  readonly #random: Pick<Random, "below">;
  // `undefined` while all weights are equal: one draw instead of two.
  readonly #table: AliasTable | undefined;

  constructor({ hosts, weights }: WeightedHosts, random: Pick<Random, "below">) {
    this.#hosts = hosts;
    this.#random = random;
    this.#table = areEqual(weights) ? undefined : new AliasTable(weights, random);
  }

  pick(): Host {
    return this.#hosts[this.#table?.draw() ?? this.#random.below(this.#hosts.length)]!;
  }
}
