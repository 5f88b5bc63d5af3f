// What of a running proxy has numbers to show, as far as those who show them need to know it. The
// data plane fits these; so does whatever stands in for it in a test.
import type { Cluster } from "../cluster/cluster.ts";
import type { CallNumbers } from "../router/upstream-call.ts";
import type { HandshakeFailure } from "../tls/handshakes.ts";
import type { UpkeepNumbers } from "../upstream/cluster-upkeep.ts";
import type { TrafficNumbers } from "./meter.ts";

/** The filters of one name. */
export interface MeasurableFilter {
  /** As the configuration has it. */
  readonly name: string;
  /** By words that do not change. */
  readonly numbers: () => Readonly<Record<string, number>>;
}

/** A listener. */
export interface MeasurableListener {
  /** As the configuration has it. */
  readonly name: string;
  /** Those that are open, were taken, and were refused, by the reason. */
  connections(): {
    readonly active: number;
    readonly accepted: number;
    readonly refused: Readonly<Record<string, number>>;
  };
  /** What became of TLS. */
  handshakes(): {
    readonly completed: number;
    readonly failed: Readonly<Record<HandshakeFailure, number>>;
  };
  /** Requests under way. */
  activeRequests(): number;
  /** Requests that have ended. */
  traffic(): TrafficNumbers;
  /** Each name once. */
  filters(): readonly MeasurableFilter[];
}

/** A cluster. */
export interface MeasurableCluster {
  /** As the configuration has it. */
  readonly name: string;
  /** Hosts, breakers and outlier detection. */
  readonly cluster: Pick<
    Cluster,
    "hosts" | "breakers" | "outliers" | "numbers" | "availableHosts" | "config"
  >;
  /** Of discovery and health checks; `undefined` where the configuration has none. */
  readonly numbers: UpkeepNumbers;
  /** Requests that have ended. */
  traffic(): TrafficNumbers;
  /** Retries, hedges and what was repeated. */
  calls(): CallNumbers;
  /** Connections, and who waits for one. */
  pools(): {
    readonly connections: number;
    readonly connecting: number;
    readonly waiting: number;
  };
}

/** A proxy. */
export interface MeasurablePlane {
  /** Those that are open. */
  listeners(): readonly MeasurableListener[];
  /** Those in force. */
  clusters(): readonly MeasurableCluster[];
  /** Messages that never became a request, by the rule that they broke. */
  refusals(): Readonly<Record<string, number>>;
  /** What else the codec counts. */
  codecEvents(): Readonly<Record<string, number>>;
  /** Contents of certificate files, since the beginning. */
  certificateChanges(): Readonly<Record<"taken" | "refused", number>>;
  /** When the first certificate of each file runs out, since 1970, and how long it was valid. */
  certificates(): ReadonlyMap<
    string,
    { readonly expiresSeconds: number; readonly lifetimeSeconds: number }
  >;
  /** Lines, since the beginning. */
  accessLogLines(): Readonly<Record<"written" | "dropped", number>>;
  /** Those that were taken, and those that were not. */
  configurations(): Readonly<Record<"success" | "rejected", number>>;
  /** Of the configuration in force, in hexadecimal. */
  version(): string;
  /** Whether requests are welcome. */
  isLive(): boolean;
  /** Calls back when another configuration is in force: names may have come and gone. */
  onConfigured(call: () => void): Disposable;
}
