// A data plane as those who show numbers see it. Everything is looked up when it is asked for: what
// runs now is what is shown, whatever the configuration was before.
import { X509Certificate } from "node:crypto";
import type { Codec } from "../codec/codec.ts";
import type { ConnectionManager } from "../listener/connection-manager.ts";
import type { DataPlane } from "../listener/data-plane.ts";
import type { RunningListener } from "../listener/listener-table.ts";
import type { UpstreamCluster } from "../upstream/upstream-cluster.ts";
import type { AccessLogs } from "./access-log.ts";
import type {
  MeasurableCluster,
  MeasurableFilter,
  MeasurableListener,
  MeasurablePlane,
} from "./measurable.ts";
import type { Meter } from "./meter.ts";

/** What a view looks at. */
export interface PlaneViewOptions {
  readonly plane: DataPlane;
  readonly codec: Codec;
  readonly meter: Meter;
  readonly accessLogs: AccessLogs;
  readonly isLive: () => boolean;
}

/** The numbers of a data plane. */
export class PlaneView implements MeasurablePlane {
  readonly #options: PlaneViewOptions;
  readonly #watchers = new Set<() => void>();
  #taken = 0;
  #rejected = 0;

  constructor(options: PlaneViewOptions) {
    this.#options = options;
  }

  /** A configuration was taken. */
  taken(): void {
    this.#taken++;
    this.refresh();
  }

  /** Names may have come and gone. */
  refresh(): void {
    for (const call of this.#watchers) call();
  }

  /** A configuration was refused. */
  rejected(): void {
    this.#rejected++;
  }

  listeners(): MeasurableListener[] {
    const { plane, meter } = this.#options;
    return [...plane.listeners].map(([name, running]) => ({
      name,
      connections: () => connectionsOf(running),
      handshakes: () => running.listener.handshakes,
      activeRequests: () => sum(running.managers.values(), ({ numbers }) => numbers.active),
      traffic: () => meter.listener(name),
      filters: () => filtersOf(running.managers.values()),
    }));
  }

  clusters(): MeasurableCluster[] {
    const { plane, meter } = this.#options;
    return [...plane.clusters.keys()].map((name) => {
      // A cluster may be replaced between two scrapes; one that has gone has shown its last.
      let last = plane.clusters.get(name)!;
      const now = (): UpstreamCluster => {
        last = plane.clusters.get(name) ?? last;
        return last;
      };
      return {
        name,
        get cluster() {
          return now().cluster;
        },
        get numbers() {
          return now().numbers;
        },
        traffic: () => meter.cluster(name),
        calls: () => now().calls,
        pools: () => poolsOf(now()),
      };
    });
  }

  refusals(): Readonly<Record<string, number>> {
    return this.#options.codec.stats().refused;
  }

  codecEvents(): Readonly<Record<string, number>> {
    const { refused: _, ...events } = this.#options.codec.stats();
    return flattened(events);
  }

  certificateChanges(): Readonly<Record<"taken" | "refused", number>> {
    const { rotations: taken, refused } = this.#options.plane.secrets.numbers;
    return { taken, refused };
  }

  certificates(): ReturnType<MeasurablePlane["certificates"]> {
    const found = new Map<string, Validity>();
    for (const { files, current } of this.#options.plane.secrets.all()) {
      for (const [i, { certificateFile }] of files.certificates.entries()) {
        const pem = current.certificates[i]?.certificate;
        if (pem !== undefined) found.set(certificateFile, validityOf(pem));
      }
    }
    return found;
  }

  accessLogLines(): Readonly<Record<"written" | "dropped", number>> {
    return this.#options.accessLogs.stats();
  }

  configurations(): Readonly<Record<"success" | "rejected", number>> {
    return { success: this.#taken, rejected: this.#rejected };
  }

  version(): string {
    return this.#options.plane.snapshot?.version ?? "";
  }

  isLive(): boolean {
    return this.#options.isLive();
  }

  onConfigured(call: () => void): Disposable {
    this.#watchers.add(call);
    return { [Symbol.dispose]: () => void this.#watchers.delete(call) };
  }
}

interface Validity {
  readonly expiresSeconds: number;
  readonly lifetimeSeconds: number;
}

// Parsed once for each content, which never changes.
const validityByPem = new WeakMap<Buffer, Validity>();

function validityOf(pem: Buffer): Validity {
  const known = validityByPem.get(pem);
  if (known !== undefined) return known;
  const { validFrom, validTo } = new X509Certificate(pem);
  const expiresSeconds = Date.parse(validTo) / 1_000;
  const made = { expiresSeconds, lifetimeSeconds: expiresSeconds - Date.parse(validFrom) / 1_000 };
  validityByPem.set(pem, made);
  return made;
}

function connectionsOf({
  listener,
}: RunningListener): ReturnType<MeasurableListener["connections"]> {
  const { active, accepted, ...refused } = listener.numbers;
  return { active, accepted, refused: snakeCased(refused) };
}

// Of one name there may be several: a route can have a filter of its own.
function filtersOf(managers: Iterable<ConnectionManager>): MeasurableFilter[] {
  const names = new Set<string>();
  const chains = [...managers];
  for (const { filters } of chains) for (const { name } of filters.all()) names.add(name);
  return [...names].map((name) => ({
    name,
    numbers: () => {
      const sums: Record<string, number> = {};
      for (const { filters } of chains) {
        for (const filter of filters.all()) {
          if (filter.name !== name) continue;
          for (const [key, count] of Object.entries(snakeCased(filter.numbers ?? {}))) {
            sums[key] = (sums[key] ?? 0) + count;
          }
        }
      }
      return sums;
    },
  }));
}

function poolsOf(cluster: UpstreamCluster): ReturnType<MeasurableCluster["pools"]> {
  const sums = { connections: 0, connecting: 0, waiting: 0 };
  for (const { connections, connecting, waiting } of cluster.stats().values()) {
    sums.connections += connections;
    sums.connecting += connecting;
    sums.waiting += waiting;
  }
  return sums;
}

function snakeCased(numbers: object): Record<string, number> {
  return Object.fromEntries(
    Object.entries(numbers).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value as number,
    ]),
  );
}

// { timeouts: { idle: 1 }, badResponses: 2 } is { timeouts_idle: 1, bad_responses: 2 }.
function flattened(numbers: object): Record<string, number> {
  const flat: Record<string, number> = {};
  for (const [key, value] of Object.entries(snakeCased(numbers)) as [string, unknown][]) {
    if (typeof value === "number") flat[key] = value;
    else for (const [of, count] of Object.entries(value as object)) flat[`${key}_${of}`] = count;
  }
  return flat;
}

function sum<T>(items: Iterable<T>, of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}
