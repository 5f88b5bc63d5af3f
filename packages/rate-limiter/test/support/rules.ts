// Rules as plain data, so that a history can be printed, replayed, and told to a Lua script; and
// the ones worth trying: the smallest and the longest windows, primes, whose fractions of a µs
// never come out even, and limits up to the last one that is not refused.
import { pick, type Random } from "@compendium/runtime";
import type * as limiterModule from "../../src/index.ts";
import type { AlgorithmName, Rule } from "../../src/rule.ts";

/** The package under test: its own index, or a mutant's. */
export type Subject = typeof limiterModule;

/** What a rule is made from. */
export interface RuleSpec {
  readonly algorithm: AlgorithmName;
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly reserveMsMax: number;
  /** Token bucket and GCRA; for a leaky bucket's queue, its turns: `queue` + 1. */
  readonly burst: number;
  /** Conservative counter. */
  readonly parts: number;
}

export const ALGORITHMS: readonly AlgorithmName[] = [
  "token-bucket",
  "gcra",
  "fixed-window",
  "sliding-window-log",
  "sliding-window-counter",
  "conservative-sliding-counter",
  "leaky-bucket-queue",
  "concurrency-limit",
];

export const TEN_YEARS_MS = 315_576_000_000;

const LIMITS = [1, 1, 2, 3, 3, 4, 5, 7, 10, 13, 97, 100, 997, 1000, 65_537, 1_000_003] as const;
const HUGE_LIMITS = [2 ** 31, 2 ** 32 + 15, 2 ** 40, 2 ** 52 - 1, 2 ** 52] as const;
const WINDOWS_MS = [1, 1, 2, 3, 7, 10, 1000, 1000, 1009, 60_000, 3_600_000, 86_400_000] as const;

/** The rule that a spec describes. */
export function makeRule(subject: Subject, spec: RuleSpec): Rule {
  const { algorithm, name, limit, windowMs, reserveMsMax, burst, parts } = spec;
  const common = { name, limit, windowMs, reserveMsMax };
  switch (algorithm) {
    case "token-bucket":
      return subject.tokenBucket({ ...common, burst });
    case "gcra":
      return subject.gcra({ ...common, burst });
    case "fixed-window":
      return subject.fixedWindow(common);
    case "sliding-window-log":
      return subject.slidingWindowLog(common);
    case "sliding-window-counter":
      return subject.slidingWindowCounter(common);
    case "conservative-sliding-counter":
      return subject.conservativeSlidingCounter({ ...common, parts });
    case "leaky-bucket-queue":
      return subject.leakyBucketQueue({ name, limit, windowMs, queue: burst - 1 });
    case "concurrency-limit":
      return subject.concurrencyLimit({ name, limit, leaseMs: windowMs });
  }
}

/** The most that can be taken at once. */
export function capacityOf({ algorithm, burst, limit }: RuleSpec): number {
  return isPaced(algorithm) ? burst : limit;
}

/** Whether the algorithm has a burst: those that count time in emission intervals. */
export function isPaced(algorithm: AlgorithmName): boolean {
  return algorithm === "token-bucket" || algorithm === "gcra" || algorithm === "leaky-bucket-queue";
}

/** A rule of the algorithm that is not refused. */
export function drawRule(random: Random, algorithm: AlgorithmName, name: string): RuleSpec {
  const windowMs =
    random.below(16) === 0 ? TEN_YEARS_MS - random.below(2) : pick(random, WINDOWS_MS);
  const wanted = random.below(12) === 0 ? pick(random, HUGE_LIMITS) : pick(random, LIMITS);
  // The estimate is exact while limit × window is below 2^53.
  const limitMax = algorithm === "sliding-window-counter" ? 2 ** 52 / (windowMs * 1000) : Infinity;
  const limit = Math.max(1, Math.min(wanted, Math.floor(limitMax)));
  const canReserve = algorithm !== "leaky-bucket-queue" && algorithm !== "concurrency-limit";
  const reserveMsMax =
    canReserve && random.below(2) === 0 ? pick(random, [windowMs, Math.ceil(windowMs / 3)]) : 0;
  const spec = { algorithm, name, limit, windowMs, reserveMsMax, burst: limit, parts: 1 };
  if (algorithm === "conservative-sliding-counter") {
    return { ...spec, parts: pick(random, [1, 2, 3, 7, 10, 64]) };
  }
  return isPaced(algorithm) ? withBurst(random, spec) : spec;
}

// The burst is bounded twice: limit × burst has to be counted exactly, and the bucket to be full
// again within a hundred years (here: ten, so that a history stays on the axis).
function withBurst(random: Random, spec: RuleSpec): RuleSpec {
  const { limit, windowMs, reserveMsMax } = spec;
  const burstMax = burstMaxOf(spec);
  if (burstMax < 1) return withBurst(random, { ...spec, limit: pick(random, LIMITS) });
  const reserved = Math.ceil((reserveMsMax / windowMs) * limit);
  const fillMax = Math.floor((TEN_YEARS_MS / windowMs) * limit);
  const wanted = [1, 1, 2, 3, 5, limit, limit, limit + 1, 3 * limit, burstMax - random.below(2)];
  const burst = Math.min(pick(random, wanted), burstMax, Math.max(1, fillMax - reserved));
  return { ...spec, burst: Math.max(1, burst) };
}

/** The largest burst that can be counted exactly beside the limit; below 1: none. */
export function burstMaxOf({ limit, windowMs, reserveMsMax }: RuleSpec): number {
  const parts = BigInt(limit) / divisorOf(BigInt(windowMs) * 1000n, BigInt(limit));
  const unitsMax = Number(BigInt(Number.MAX_SAFE_INTEGER) / parts) - 1;
  return unitsMax - Math.ceil((reserveMsMax / windowMs) * limit);
}

function divisorOf(a: bigint, b: bigint): bigint {
  return b === 0n ? a : divisorOf(b, a % b);
}
