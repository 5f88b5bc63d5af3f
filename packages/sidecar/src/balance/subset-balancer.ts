// Subsets (Envoy, "Load Balancer Subsets"): a route may ask for hosts by their metadata, such as {
// version: "2" }. The cluster says by which keys hosts are grouped, its selectors; a request whose
// keys are those of a selector goes to the hosts with the same values. Any other request, and one
// for which there is no host, falls back: to no host, to any, or to those of a default.
//
// Hosts are sorted into subsets when they change, in O(hosts × selectors); a request costs one look
// into a map by the object that its route was compiled to. Every subset has priorities and panics
// of its own. Locality weights do not count in subsets, as in Envoy without
// `locality_weight_aware`: they were meant for all hosts of a place, and a subset may have one
// there.
import type { Host } from "../cluster/host.ts";
import type { HostGroup } from "../cluster/host-set.ts";
import type { SubsetConfig } from "../config/cluster-config.ts";
import type { Balancer, ChooseContext } from "./balancer.ts";
import type { BalanceSettings } from "./level.ts";
import { type BalanceNumbers, PriorityBalancer } from "./priority-balancer.ts";

type Metadata = Readonly<Record<string, string>>;

/** Chooses among the hosts that the route asks for. */
export class SubsetBalancer implements Balancer {
  readonly #numbers: BalanceNumbers;
  readonly #fallback: Balancer | undefined;
  // By the text of keys and values.
  readonly #subsets: ReadonlyMap<string, Balancer>;
  // Routes keep their objects: the text is made once for each, and forgotten with it.
  readonly #asked = new WeakMap<Metadata, { readonly subset: Balancer | undefined }>();

  constructor(
    groups: readonly HostGroup[],
    config: SubsetConfig,
    settings: BalanceSettings,
    numbers: BalanceNumbers,
  ) {
    const inSubset = { ...settings, usesLocalityWeights: false };
    const make = (some: readonly HostGroup[]) => new PriorityBalancer(some, inSubset, numbers);
    this.#numbers = numbers;
    this.#subsets = new Map(
      [...sortIntoSubsets(groups, config.selectors)].map(([text, some]) => [text, make(some)]),
    );
    if (config.fallback === "any") this.#fallback = make(groups);
    else if (config.fallback === "default") {
      this.#fallback = make(filterGroups(groups, (host) => matches(host, config.default)));
    }
  }

  choose(context: ChooseContext): Host | undefined {
    const host = this.#subsetFor(context.subset)?.choose(context);
    if (host !== undefined) return host;
    this.#numbers.subsetFallbacks++;
    return this.#fallback?.choose(context);
  }

  #subsetFor(asked: Metadata | undefined): Balancer | undefined {
    if (asked === undefined) return undefined;
    let known = this.#asked.get(asked);
    if (known === undefined) {
      known = { subset: this.#subsets.get(textOf(Object.keys(asked).sort(), asked)) };
      this.#asked.set(asked, known);
    }
    return known.subset;
  }
}

function sortIntoSubsets(
  groups: readonly HostGroup[],
  selectors: readonly (readonly string[])[],
): Map<string, HostGroup[]> {
  const subsets = new Map<string, HostGroup[]>();
  for (const group of groups) {
    // The hosts of this group, by subset.
    const members = new Map<string, Host[]>();
    for (const host of group.hosts) {
      for (const keys of selectors) {
        if (!keys.every((key) => Object.hasOwn(host.metadata, key))) continue;
        const text = textOf(keys, host.metadata);
        const some = members.get(text);
        if (some === undefined) members.set(text, [host]);
        else if (some.at(-1) !== host) some.push(host);
      }
    }
    for (const [text, hosts] of members) {
      const subset = subsets.get(text);
      if (subset === undefined) subsets.set(text, [{ ...group, hosts }]);
      else subset.push({ ...group, hosts });
    }
  }
  return subsets;
}

function filterGroups(
  groups: readonly HostGroup[],
  keeps: (host: Host) => boolean,
): readonly HostGroup[] {
  return groups
    .map((group) => ({ ...group, hosts: group.hosts.filter(keeps) }))
    .filter(({ hosts }) => hosts.length > 0);
}

function matches({ metadata }: Host, wanted: Metadata): boolean {
  return Object.entries(wanted).every(
    ([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value,
  );
}

// Unambiguous, whatever stands in keys and values.
function textOf(keys: readonly string[], metadata: Metadata): string {
  return JSON.stringify(keys.map((key) => [key, metadata[key]]));
}
