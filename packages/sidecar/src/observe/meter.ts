// What the requests that have ended add up to: for each listener and for each cluster how many
// there were by the class of their status, how long they took, and why they failed. A request costs
// a few additions; sums and labels are made when somebody asks.
//
// Numbers stay with the name. A cluster whose configuration changes is made anew and its breakers
// count from nought, but what is counted here goes on.
//
// Left out: hosts. Their addresses come and go, and every one would be a series for ever; the admin
// interface shows them as they are now.
import { Histogram, type HistogramSnapshot, latencySecondsBounds } from "@compendium/metrics";
import type { RequestObserver } from "../router/observer.ts";
import type { RequestInfo } from "../router/request-info.ts";
import { type ResponseFlag, responseFlags } from "../router/response-flags.ts";

/** What a request ended with; "none": no response was sent, or none had come from upstream. */
export const statusClasses = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"] as const;

/** One of {@link statusClasses}. */
export type StatusClass = (typeof statusClasses)[number];

/** All of Envoy's letters that this proxy writes. */
export const flagNames = Object.keys(responseFlags) as readonly ResponseFlag[];

/** Requests of one listener, or to one cluster. */
export interface TrafficNumbers {
  /** By the class of their status. */
  readonly requests: Readonly<Record<StatusClass, number>>;
  /** By what went wrong. */
  readonly flags: Readonly<Record<ResponseFlag, number>>;
  /** How long they took. */
  readonly seconds: HistogramSnapshot;
  /** Of bodies, from clients. */
  readonly bytesReceived: number;
  /** Of bodies, to clients. */
  readonly bytesSent: number;
}

/** What requests and TCP connections have in common. */
export type TransferInfo = Pick<RequestInfo, "bytesReceived" | "bytesSent"> & {
  readonly flags: ReadonlySet<ResponseFlag>;
};

/** Counts the requests of all listeners. */
export class Meter {
  readonly #listeners = new Map<string, Traffic>();
  readonly #clusters = new Map<string, Traffic>();

  /** Counts for this listener, and for the clusters that its requests went to. */
  observerOf(listener: string): RequestObserver {
    const traffic = trafficOf(this.#listeners, listener);
    return {
      onEnd: (info) => {
        traffic.count(info);
        const { upstreamCluster } = info;
        if (upstreamCluster === undefined || info.upstreamAttempts === 0) return;
        trafficOf(this.#clusters, upstreamCluster).count(info);
      },
    };
  }

  /** Counts a TCP connection that has ended: its bytes, and what went wrong with it. */
  countTcp(listener: string, info: TransferInfo): void {
    trafficOf(this.#listeners, listener).countTransfer(info);
  }

  /** What the requests of a listener add up to. */
  listener(name: string): TrafficNumbers {
    return this.#listeners.get(name)?.numbers() ?? nothing;
  }

  /** What the requests to a cluster add up to. */
  cluster(name: string): TrafficNumbers {
    return this.#clusters.get(name)?.numbers() ?? nothing;
  }

  /** Forgets those that are not in the configuration any more. */
  retain(listeners: ReadonlyMap<string, unknown>, clusters: ReadonlyMap<string, unknown>): void {
    for (const name of this.#listeners.keys()) {
      if (!listeners.has(name)) this.#listeners.delete(name);
    }
    for (const name of this.#clusters.keys()) {
      if (!clusters.has(name)) this.#clusters.delete(name);
    }
  }
}

class Traffic {
  readonly #requests = zeros(statusClasses);
  readonly #flags = zeros(flagNames);
  readonly #seconds = new Histogram(latencySecondsBounds);
  #bytesReceived = 0;
  #bytesSent = 0;

  count(info: RequestInfo): void {
    this.#requests[classOf(info.response?.status)]++;
    this.#seconds.observe((info.durationMs ?? 0) / 1_000);
    this.countTransfer(info);
  }

  countTransfer(info: TransferInfo): void {
    this.#bytesReceived += info.bytesReceived;
    this.#bytesSent += info.bytesSent;
    for (const flag of info.flags) this.#flags[flag]++;
  }

  numbers(): TrafficNumbers {
    return {
      requests: { ...this.#requests },
      flags: { ...this.#flags },
      seconds: this.#seconds.snapshot(),
      bytesReceived: this.#bytesReceived,
      bytesSent: this.#bytesSent,
    };
  }
}

const nothing: TrafficNumbers = new Traffic().numbers();

function trafficOf(among: Map<string, Traffic>, name: string): Traffic {
  const known = among.get(name);
  if (known !== undefined) return known;
  const made = new Traffic();
  among.set(name, made);
  return made;
}

// The class of a status; of none, "none".
function classOf(status: number | undefined): StatusClass {
  return (status !== undefined && statusClasses[Math.floor(status / 100) - 1]) || "none";
}

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}
