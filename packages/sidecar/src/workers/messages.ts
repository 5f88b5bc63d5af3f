// What a primary process and its workers say to each other, over the channel that Node opens with a
// child (structured clones: infinite limits and bytes pass as they are). Each call has one answer;
// a worker says nothing unasked but lines for the log. Both ends are this program, of one version.
import type { ServerState } from "../admin/admin-subject.ts";
import type { ClusterStatus } from "../admin/clusters.ts";
import type { LogLevel } from "../observe/logger.ts";
import type { Reading } from "../observe/readings.ts";
import type { MetricValues } from "../observe/text-registry.ts";
import type { Share } from "./divide.ts";

/** What a worker has to know before its first configuration. */
export interface WorkerSetup {
  readonly share: Share;
  readonly drainMs: number;
  readonly logLevel: LogLevel;
  readonly otlpEndpoint: string | undefined;
  readonly serviceName: string;
}

/** What a worker is asked for, and what it answers. */
export interface Answers {
  readonly state: ServerState;
  readonly readings: readonly Reading[];
  readonly metrics: readonly MetricValues[];
  readonly clusters: readonly ClusterStatus[];
}

/** One of them. */
export type Question = keyof Answers;

/** What a worker can be told to do. */
export type Call =
  | { readonly kind: "set-up"; readonly setup: WorkerSetup }
  /** The whole document, which each worker compiles and divides for itself. */
  | { readonly kind: "prepare"; readonly text: string }
  | { readonly kind: "commit" | "abandon" | "note-rejected" | "reopen-logs" }
  | { readonly kind: "drain"; readonly isGraceful: boolean }
  | { readonly kind: "set-log-level"; readonly level: LogLevel }
  | { readonly kind: "ask"; readonly question: Question }
  /** Drains, and ends the process. */
  | { readonly kind: "stop" };

/** To a worker. */
export interface CallMessage {
  readonly id: number;
  readonly call: Call;
}

/** From a worker. */
export type WorkerMessage =
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly message: string }
  | { readonly kind: "line"; readonly to: "out" | "err"; readonly line: string };
