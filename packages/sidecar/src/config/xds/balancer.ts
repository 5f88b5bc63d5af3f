// How a host is chosen: by the older `lb_policy` and the fields beside it, or by the newer
// `load_balancing_policy`. peak-EWMA has no number among the older ones.
import type { BalancerConfig, SlowStartConfig, SubsetConfig } from "../cluster-config.ts";
import {
  anyOf,
  defaulted,
  ignored,
  label,
  type Message,
  message,
  only,
  optional,
  refused,
  required,
  type Taken,
} from "../schema/message.ts";
import { shown } from "../schema/node.ts";
import {
  choice,
  integer,
  name,
  positiveDuration,
  type Reader,
  refine,
  someOf,
  Unsupported,
} from "../schema/reader.ts";
import { texts } from "./metadata.ts";
import { percent, runtimeDouble } from "./types.ts";

const RING_SIZE_MAX = 8_388_608;

const slowStart: Message<SlowStartConfig> = message(
  "envoy.config.cluster.v3.Cluster.SlowStartConfig",
  {
    slow_start_window: required(positiveDuration),
    aggression: defaulted(runtimeDouble, 1),
    min_weight_percent: defaulted(percent, 10),
  },
  ({ slowStartWindow: windowMs, aggression, minWeightPercent: weightMin }, node) => {
    if (aggression > 0) return { windowMs, aggression, weightMin };
    return node.fail("has an aggression of 0", "write 1 for a straight line");
  },
);

/** A balancer, and what new hosts get. */
export interface Balancing {
  readonly balancer: BalancerConfig;
  readonly slowStart: SlowStartConfig | undefined;
  readonly usesLocalityWeights: boolean;
}

const choices = integer(2, 100);
const localityWeights = message(
  "envoy.config.cluster.v3.Cluster.CommonLbConfig.LocalityWeightedLbConfig",
  {},
  () => true as const,
);

const ringSizes = {
  minimum_ring_size: defaulted(integer(1, RING_SIZE_MAX), 1024),
  maximum_ring_size: defaulted(integer(1, RING_SIZE_MAX), RING_SIZE_MAX),
  hash_function: defaulted(
    choice("HashFunction", { XX_HASH: true, MURMUR_HASH_2: new Unsupported("write XX_HASH") }),
    true,
  ),
} as const;

const ringOf: (
  values: { readonly minimumRingSize: number; readonly maximumRingSize: number },
  fail: (message: string, next: string) => never,
) => BalancerConfig = ({ minimumRingSize: sizeMin, maximumRingSize: sizeMax }, fail) => {
  if (sizeMin <= sizeMax) return { kind: "ring-hash", sizeMin, sizeMax };
  return fail(`has a minimum_ring_size of ${sizeMin}, above ${sizeMax}`, "lower it");
};

const prime: Reader<number> = refine(integer(2, 5_000_011), (size, node) => {
  for (let divisor = 2; divisor * divisor <= size; divisor++) {
    if (size % divisor === 0) {
      return node.fail(`${size} is no prime: ${divisor} divides it`, "write 65537, or another");
    }
  }
  return size;
});

type Older = Omit<Balancing, "usesLocalityWeights">;

const leastRequestConfig: Message<Older> = message(
  "envoy.config.cluster.v3.Cluster.LeastRequestLbConfig",
  {
    choice_count: defaulted(choices, 2),
    active_request_bias: defaulted(runtimeDouble, 1),
    slow_start_config: optional(slowStart),
  },
  ({ choiceCount, activeRequestBias: activeBias, slowStartConfig }) => ({
    balancer: { kind: "least-request", choices: choiceCount, activeBias },
    slowStart: slowStartConfig,
  }),
);

const roundRobinConfig = message(
  "envoy.config.cluster.v3.Cluster.RoundRobinLbConfig",
  { slow_start_config: optional(slowStart) },
  (values) => values.slowStartConfig,
);

const ringHashConfig: Message<BalancerConfig> = message(
  "envoy.config.cluster.v3.Cluster.RingHashLbConfig",
  ringSizes,
  (values, node) => ringOf(values, node.fail.bind(node)),
);

const maglevConfig: Message<BalancerConfig> = message(
  "envoy.config.cluster.v3.Cluster.MaglevLbConfig",
  { table_size: defaulted(prime, 65_537) },
  ({ tableSize }) => ({ kind: "maglev", tableSize }),
);

/** The older fields of a cluster. */
export const olderBalancing: {
  readonly lb_policy: Taken<LbPolicy>;
  readonly round_robin_lb_config: Taken<SlowStartConfig | undefined>;
  readonly least_request_lb_config: Taken<Older | undefined>;
  readonly ring_hash_lb_config: Taken<BalancerConfig | undefined>;
  readonly maglev_lb_config: Taken<BalancerConfig | undefined>;
} = {
  lb_policy: defaulted(
    choice<LbPolicy>("LbPolicy", {
      ROUND_ROBIN: "round-robin",
      LEAST_REQUEST: "least-request",
      RING_HASH: "ring-hash",
      RANDOM: "random",
      ORIGINAL_DST_LB: new Unsupported("name the endpoints"),
      MAGLEV: "maglev",
      CLUSTER_PROVIDED: new Unsupported("choose a policy"),
      LOAD_BALANCING_POLICY_CONFIG: "newer",
    }),
    "round-robin",
  ),
  round_robin_lb_config: optional(roundRobinConfig),
  least_request_lb_config: optional(leastRequestConfig),
  ring_hash_lb_config: optional(ringHashConfig),
  maglev_lb_config: optional(maglevConfig),
};

/** What `lb_policy` says; "newer": see `load_balancing_policy`. */
export type LbPolicy =
  | "round-robin"
  | "least-request"
  | "ring-hash"
  | "random"
  | "maglev"
  | "newer";

/** What the older fields say. Settings of a policy that is not chosen are checked, no more. */
export function olderBalancer(values: {
  readonly lbPolicy: LbPolicy;
  readonly roundRobinLbConfig: SlowStartConfig | undefined;
  readonly leastRequestLbConfig: Older | undefined;
  readonly ringHashLbConfig: BalancerConfig | undefined;
  readonly maglevLbConfig: BalancerConfig | undefined;
}): Older {
  const plain = (balancer: BalancerConfig): Older => ({ balancer, slowStart: undefined });
  switch (values.lbPolicy) {
    case "least-request":
      return (
        values.leastRequestLbConfig ?? plain({ kind: "least-request", choices: 2, activeBias: 1 })
      );
    case "ring-hash":
      return plain(
        values.ringHashLbConfig ?? { kind: "ring-hash", sizeMin: 1024, sizeMax: RING_SIZE_MAX },
      );
    case "maglev":
      return plain(values.maglevLbConfig ?? { kind: "maglev", tableSize: 65_537 });
    case "random":
      return plain({ kind: "random" });
    default:
      return { balancer: { kind: "round-robin" }, slowStart: values.roundRobinLbConfig };
  }
}

const newSlowStart: Message<SlowStartConfig> = {
  ...slowStart,
  type: "envoy.extensions.load_balancing_policies.common.v3.SlowStartConfig",
};

const localityConfig = message(
  "envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig",
  {
    locality_weighted_lb_config: optional(localityWeights),
    zone_aware_lb_config: refused("use localities with weights or priorities"),
  },
  (values) => values.localityWeightedLbConfig ?? false,
);

const shared = {
  slow_start_config: optional(newSlowStart),
  locality_lb_config: defaulted(localityConfig, false),
} as const;

const policyType = (name: string): string => `envoy.extensions.load_balancing_policies.${name}`;

const roundRobin: Message<Balancing> = message(
  policyType("round_robin.v3.RoundRobin"),
  shared,
  ({ slowStartConfig, localityLbConfig: usesLocalityWeights }) => {
    return { balancer: { kind: "round-robin" }, slowStart: slowStartConfig, usesLocalityWeights };
  },
);

const random: Message<Balancing> = message(
  policyType("random.v3.Random"),
  { locality_lb_config: shared.locality_lb_config },
  ({ localityLbConfig: usesLocalityWeights }) => {
    return { balancer: { kind: "random" }, slowStart: undefined, usesLocalityWeights };
  },
);

const leastRequest: Message<Balancing> = message(
  policyType("least_request.v3.LeastRequest"),
  {
    ...shared,
    choice_count: defaulted(choices, 2),
    active_request_bias: defaulted(runtimeDouble, 1),
    enable_full_scan: only(false, "take it out: two choices come close to all of them"),
    selection_method: only("N_CHOICES", "take it out: two choices come close to all of them"),
  },
  (values) => ({
    balancer: {
      kind: "least-request",
      choices: values.choiceCount,
      activeBias: values.activeRequestBias,
    },
    slowStart: values.slowStartConfig,
    usesLocalityWeights: values.localityLbConfig,
  }),
);

const oldHashing = refused("take it out");

const ringHash: Message<Balancing> = message(
  policyType("ring_hash.v3.RingHash"),
  {
    ...ringSizes,
    hash_function: defaulted(
      choice("HashFunction", {
        DEFAULT_HASH: true,
        XX_HASH: true,
        MURMUR_HASH_2: new Unsupported("write XX_HASH"),
      }),
      true,
    ),
    use_hostname_for_hashing: oldHashing,
    hash_balance_factor: oldHashing,
    consistent_hashing_lb_config: oldHashing,
    locality_weighted_lb_config: optional(localityWeights),
  },
  (values, node) => ({
    balancer: ringOf(values, node.fail.bind(node)),
    slowStart: undefined,
    usesLocalityWeights: values.localityWeightedLbConfig ?? false,
  }),
);

const maglev: Message<Balancing> = message(
  policyType("maglev.v3.Maglev"),
  {
    table_size: defaulted(prime, 65_537),
    consistent_hashing_lb_config: oldHashing,
    locality_weighted_lb_config: optional(localityWeights),
  },
  ({ tableSize, localityWeightedLbConfig }) => ({
    balancer: { kind: "maglev", tableSize },
    slowStart: undefined,
    usesLocalityWeights: localityWeightedLbConfig ?? false,
  }),
);

const peakEwma: Message<Balancing> = message(
  policyType("peak_ewma.v3alpha.PeakEwma"),
  {
    decay_time: defaulted(positiveDuration, 10_000),
    aggregation_interval: ignored("latencies are counted as they come"),
    max_samples_per_host: ignored("latencies are counted as they come"),
    default_rtt: ignored("a host without a latency is tried first"),
    penalty_value: ignored("a host that fails is an outlier's matter"),
  },
  ({ decayTime: decayMs }) => ({
    balancer: { kind: "peak-ewma", decayMs },
    slowStart: undefined,
    usesLocalityWeights: false,
  }),
);

const typedExtension: Message<Balancing> = message(
  "envoy.config.core.v3.TypedExtensionConfig",
  {
    name: label("the type of typed_config decides"),
    typed_config: required(anyOf(roundRobin, random, leastRequest, ringHash, maglev, peakEwma)),
  },
  (values) => values.typedConfig,
);

const policy: Message<Balancing> = message(
  "envoy.config.cluster.v3.LoadBalancingPolicy.Policy",
  { typed_extension_config: required(typedExtension) },
  (values) => values.typedExtensionConfig,
);

/** The newer way: a list of which the first that is known is taken; here it must be the first. */
export const loadBalancingPolicy: Message<Balancing> = message(
  "envoy.config.cluster.v3.LoadBalancingPolicy",
  { policies: required(someOf(policy)) },
  ({ policies }) => policies[0]!,
);

const subsetSelector = message(
  "envoy.config.cluster.v3.Cluster.LbSubsetConfig.LbSubsetSelector",
  {
    keys: required(someOf(name)),
    single_host_per_subset: only(false, "take it out"),
    fallback_policy: refused("write one fallback_policy for all of lb_subset_config"),
    fallback_keys_subset: refused("write a selector with those keys"),
  },
  ({ keys }) => [...new Set(keys)].sort(),
);

/** Hosts by their metadata. */
export const subsetConfig: Message<SubsetConfig> = message(
  "envoy.config.cluster.v3.Cluster.LbSubsetConfig",
  {
    fallback_policy: defaulted(
      choice<SubsetConfig["fallback"]>("LbSubsetFallbackPolicy", {
        NO_FALLBACK: "none",
        ANY_ENDPOINT: "any",
        DEFAULT_SUBSET: "default",
      }),
      "none",
    ),
    default_subset: defaulted(texts, {}),
    subset_selectors: required(someOf(subsetSelector)),
    locality_weight_aware: only(false, "take it out"),
    scale_locality_weight: only(false, "take it out"),
    panic_mode_any: only(false, "take it out"),
    list_as_any: only(false, "take it out"),
    metadata_fallback_policy: only("METADATA_NO_FALLBACK", "take it out"),
    allow_redundant_keys: only(false, "take it out"),
  },
  ({ subsetSelectors: selectors, fallbackPolicy: fallback, defaultSubset }, node) => {
    if (fallback === "default" && Object.keys(defaultSubset).length === 0) {
      node.note(`falls back to a default subset of every host: ${shown(defaultSubset)} is empty`);
    }
    return { selectors, fallback, default: defaultSubset };
  },
);

/** What all policies have in common. */
export const commonLbConfig: Message<{
  readonly panicThreshold: number;
  readonly usesLocalityWeights: boolean;
}> = message(
  "envoy.config.cluster.v3.Cluster.CommonLbConfig",
  {
    healthy_panic_threshold: defaulted(percent, 50),
    locality_weighted_lb_config: optional(localityWeights),
    zone_aware_lb_config: refused("use localities with weights or priorities"),
    update_merge_window: ignored("a snapshot is taken whole"),
    ignore_new_hosts_until_first_hc: only(false, "take it out"),
    close_connections_on_host_set_change: only(false, "take it out"),
    consistent_hashing_lb_config: oldHashing,
    override_host_status: refused("take it out"),
  },
  (values) => ({
    panicThreshold: values.healthyPanicThreshold,
    usesLocalityWeights: values.localityWeightedLbConfig ?? false,
  }),
);
