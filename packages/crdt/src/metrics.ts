// The numbers of replicas for Prometheus, read when it asks. The label is a name that is given:
// whoever has a document for each user sums them up first, or has a series for each.
//
// The core has no clock. Whoever wants to know how long a merge takes merges through a
// `MeasuredReplica`. Where replicas meet over a wire, crdt-sync measures all of this and more.
import {
  type Family,
  Histogram,
  type HistogramSnapshot,
  latencySecondsBounds,
  type MetricRegistry,
  registerMetrics,
} from "@compendium/metrics";
import type { VersionVector } from "./causal/causal-graph.ts";
import { CrdtError } from "./errors.ts";

/** How a merge can end: with something new, with nothing new or something that waits, refused. */
export type MergeOutcome = "applied" | "known" | "refused";

/** What a replica shows of itself. */
export interface ReplicaNumbers {
  /** Operations, or changes, that it knows. */
  readonly operations: number;
  /** Updates that wait for others on which they depend. */
  readonly pending: number;
  /** The bytes that its history takes, about. */
  readonly bytes: number;
  /** Operations that are not known to be everywhere; none where nobody says what is. */
  readonly stableLag?: number;
  /** How many merges ended how. */
  readonly merges: Readonly<Record<MergeOutcome, number>>;
  /** How long they took. */
  readonly mergeSeconds: HistogramSnapshot;
}

/** What can be shown. */
export interface MeasurableReplica {
  /** Tells it from the others. */
  readonly name: string;
  /** Plain numbers; reading them changes nothing. */
  stats(): ReplicaNumbers;
  /** The replica's fingerprint: 32 hexadecimal digits. Costs its state. */
  digest(): string;
}

/** A text, a list, a movable list or a document. */
export interface Mergeable {
  /** For each agent, how many operations are known. */
  readonly version: VersionVector;
  /** What waits, and what is held. */
  readonly stats: { readonly pending: number; readonly bytes: number };
  /** Takes in an update. */
  merge(bytes: Uint8Array): { readonly applied: number };
  /** A fingerprint. */
  digest(): string;
}

/** Options of a {@link MeasuredReplica}. */
export interface MeasuredReplicaOptions {
  /** Milliseconds that never go back. Default: `performance`. */
  readonly clock?: { now(): number };
  /** What every replica is known to have. Default: nobody knows, and no lag is shown. */
  readonly stable?: () => VersionVector;
}

/** A replica whose merges are counted and timed. */
export class MeasuredReplica<R extends Mergeable> implements MeasurableReplica {
  readonly name: string;
  /** The replica. What is merged past this is not counted. */
  readonly replica: R;
  readonly #clock: { now(): number };
  readonly #stable: (() => VersionVector) | undefined;
  readonly #merges: Record<MergeOutcome, number> = { applied: 0, known: 0, refused: 0 };
  readonly #seconds: Histogram = new Histogram(latencySecondsBounds);

  constructor(name: string, replica: R, options: MeasuredReplicaOptions = {}) {
    this.name = name;
    this.replica = replica;
    this.#clock = options.clock ?? performance;
    this.#stable = options.stable;
  }

  /**
   * Merges an update into the replica.
   *
   * @throws CrdtError as the replica does; it is counted as refused
   */
  merge(bytes: Uint8Array): ReturnType<R["merge"]> {
    const beganMs = this.#clock.now();
    try {
      const result = this.replica.merge(bytes);
      this.#merges[result.applied > 0 ? "applied" : "known"]++;
      return result as ReturnType<R["merge"]>;
    } catch (error) {
      if (error instanceof CrdtError) this.#merges.refused++;
      throw error;
    } finally {
      this.#seconds.observe((this.#clock.now() - beganMs) / 1_000);
    }
  }

  /** What the replica shows of itself. */
  stats(): ReplicaNumbers {
    const { version, stats } = this.replica;
    const stable = this.#stable?.();
    let [operations, stableLag] = [0, 0];
    for (const [agent, count] of version) {
      operations += count;
      stableLag += Math.max(0, count - (stable?.get(agent) ?? 0));
    }
    return {
      operations,
      pending: stats.pending,
      bytes: stats.bytes,
      ...(stable !== undefined && { stableLag }),
      merges: { ...this.#merges },
      mergeSeconds: this.#seconds.snapshot(),
    };
  }

  /** The replica's fingerprint. */
  digest(): string {
    return this.replica.digest();
  }
}

const OUTCOMES: readonly MergeOutcome[] = ["applied", "known", "refused"];

type Value = number | HistogramSnapshot;
type Row = readonly [
  type: Family["type"],
  name: string,
  help: string,
  read: (replica: MeasurableReplica) => Value | undefined,
];

const ROWS: readonly Row[] = [
  ["gauge", "operations", "Operations that are known.", (it) => it.stats().operations],
  ["gauge", "pending_updates", "Updates that wait for others.", (it) => it.stats().pending],
  ["gauge", "history_bytes", "Bytes of the history, about.", (it) => it.stats().bytes],
  ["histogram", "merge_seconds", "Merging an update.", (it) => it.stats().mergeSeconds],
  [
    "gauge",
    "stable_lag_operations",
    "Operations that are not known to be everywhere.",
    (it) => it.stats().stableLag,
  ],
  [
    "gauge",
    "digest",
    "32 bits of the digest: replicas that know the same show the same.",
    (it) => Number.parseInt(it.digest().slice(0, 8), 16),
  ],
];

/**
 * Shows `replicas` in `registry`, told apart by their names, until the returned object is disposed.
 * A scrape costs the state of each, for its digest, and changes nothing.
 *
 * @throws TypeError when two replicas have one name, here or among those registered before
 * @throws RangeError when there are more than 3,333 of them, which is 10,000 series in one family
 */
export function registerReplicas(
  registry: MetricRegistry,
  replicas: Iterable<MeasurableReplica>,
): Disposable {
  const all = new Map<string, MeasurableReplica>();
  for (const replica of replicas) {
    if (all.has(replica.name)) throw new TypeError(`two replicas have the name "${replica.name}"`);
    all.set(replica.name, replica);
  }
  const families = ROWS.flatMap((row) => familyOf(row, all) ?? []);
  if (all.size === 0) return registerMetrics(registry, families);
  return registerMetrics(registry, [...families, mergesOf(all)]);
}

// Only of those that know the number.
function familyOf(
  [type, name, help, read]: Row,
  all: ReadonlyMap<string, MeasurableReplica>,
): Family | undefined {
  const some = [...all].filter(([, replica]) => read(replica) !== undefined);
  if (some.length === 0) return undefined;
  return {
    name: `crdt_${name}`,
    type,
    help,
    labels: { name: some.map(([name]) => name) },
    collect: (emit) => {
      for (const [name, replica] of some) emit(read(replica) as Value, { name });
    },
  };
}

function mergesOf(all: ReadonlyMap<string, MeasurableReplica>): Family {
  return {
    name: "crdt_merges_total",
    type: "counter",
    help: "Merges, by how they ended.",
    labels: { name: [...all.keys()], outcome: OUTCOMES },
    collect: (emit) => {
      for (const [name, replica] of all) {
        const { merges } = replica.stats();
        for (const outcome of OUTCOMES) emit(merges[outcome], { name, outcome });
      }
    },
  };
}
