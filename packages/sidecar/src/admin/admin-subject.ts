// What the admin interface looks at and moves. A proxy in this process fits it; so does one that
// speaks for several, which is why numbers are asked for and not at hand.
import type { Snapshot } from "../config/snapshot.ts";
import type { LogLevel } from "../observe/logger.ts";
import type { Reading } from "../observe/readings.ts";
import type { ClusterStatus } from "./clusters.ts";

/** Envoy's states of a server, of which a load balancer sends requests to the first only. */
export type ServerState = "LIVE" | "PRE_INITIALIZING" | "DRAINING";

/** Whom an admin interface is for. */
export interface AdminSubject {
  readonly version: string;
  readonly startedAtMs: number;
  /** How it was started, as flags have it. */
  readonly options: Readonly<Record<string, string | number>>;
  now(): number;
  state(): ServerState | Promise<ServerState>;
  snapshot(): Snapshot | undefined;
  listeners(): readonly {
    readonly name: string;
    readonly address: string;
    readonly port: number;
  }[];
  clusters(): readonly ClusterStatus[] | Promise<readonly ClusterStatus[]>;
  /** Every series, by both of its names. */
  readings(): Promise<readonly Reading[]>;
  /** The same for Prometheus. */
  exposition(): Promise<string>;
  /** Takes no more connections, at once or after a while in which clients are asked to leave. */
  drainListeners(isGraceful: boolean): void;
  /** Whether it says of itself that it may be sent requests. */
  setHealth(isHealthy: boolean): void;
  logLevel: LogLevel;
  /** Begins a clean end of the process. */
  quit(): void;
}
