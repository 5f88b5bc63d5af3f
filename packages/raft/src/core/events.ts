// What a node says it is doing, for logs, metrics and transcripts. An event is made only if someone
// listens; it carries live objects (a progress, a message) that are to be read at once, not kept.
// No decision depends on it.

import type { ConfChange } from "../confchange/change.ts";
import type { RaftLog } from "../log/log.ts";
import type { Configuration } from "../tracker/configuration.ts";
import type { Progress } from "../tracker/progress.ts";
import type { Message, MessageType, Role, Snapshot } from "./message.ts";

/** The end of a log: what elections compare. */
export interface LogTip {
  /** The last index. */
  readonly index: number;
  /** Its term. */
  readonly term: number;
}

/** Something a node did, decided or refused, told apart by `kind`. */
export type RaftEvent =
  | { kind: "created"; term: number; committed: number; applied: number; tip: LogTip }
  | { kind: "configuration"; configuration: Configuration }
  | { kind: "role"; role: Role; term: number }
  // Elections.
  | { kind: "election-started"; term: number }
  | { kind: "election-ignored"; reason: "leader" | "unpromotable" | "unapplied"; term: number }
  | { kind: "vote-requested"; type: MessageType; to: number; term: number; tip: LogTip }
  | { kind: "vote-received"; type: MessageType; from: number; term: number; granted: boolean }
  | { kind: "votes-counted"; type: MessageType; granted: number; rejected: number }
  | { kind: "vote-cast"; message: Message; vote: number; term: number; tip: LogTip }
  | { kind: "vote-rejected"; message: Message; vote: number; term: number; tip: LogTip }
  | {
      kind: "vote-ignored";
      message: Message;
      vote: number;
      term: number;
      tip: LogTip;
      leaseTicks: number;
    }
  | { kind: "higher-term"; message: Message; term: number }
  | { kind: "lower-term"; message: Message; term: number }
  | { kind: "quorum-lost" }
  | { kind: "leader-forgotten"; lead: number; term: number }
  | { kind: "forget-ignored" }
  // Leadership transfer.
  | { kind: "transfer-started"; to: number; term: number }
  | { kind: "transfer-sent"; to: number; immediately: boolean }
  | { kind: "transfer-received"; from: number; term: number }
  | { kind: "transfer-ignored"; to: number; term: number; reason: TransferIgnored }
  | { kind: "transfer-replaced"; to: number; term: number }
  // Proposals and reads.
  | { kind: "proposal-dropped"; reason: "no-leader" | "not-forwarded"; lead: number; term: number }
  | { kind: "proposal-refused"; reason: "transferring" | "uncommitted-bytes"; term: number }
  | { kind: "read-dropped"; reason: "no-leader"; term: number }
  | { kind: "change-ignored"; change: ConfChange; configuration: Configuration; reason: string }
  | { kind: "leaving-joint"; configuration: Configuration; refused: string | undefined }
  // Replication.
  | { kind: "append-rejected"; message: Message; logTerm: number }
  | { kind: "rejection"; message: Message }
  | { kind: "progress-decreased"; progress: Progress }
  | { kind: "no-progress"; from: number }
  | { kind: "unreachable"; progress: Progress }
  | { kind: "snapshot-withheld"; progress: Progress; reason: "inactive" | "unavailable" }
  | {
      kind: "snapshot-sending";
      progress: Progress;
      snapshot: Snapshot;
      firstIndex: number;
      committed: number;
    }
  | { kind: "replication-paused"; progress: Progress }
  | { kind: "snapshot-recovered"; progress: Progress }
  | { kind: "snapshot-reported"; progress: Progress; failed: boolean }
  | { kind: "restore-started"; log: RaftLog; snapshot: Snapshot }
  | { kind: "restored"; committed: number; tip: LogTip; snapshot: Snapshot }
  | { kind: "fast-forwarded"; committed: number; tip: LogTip; snapshot: Snapshot }
  | { kind: "snapshot-handled"; restored: boolean; committed: number; snapshot: Snapshot }
  | { kind: "snapshot-refused"; reason: SnapshotRefused; snapshot: Snapshot }
  // The log.
  | { kind: "conflict"; index: number; term: number; present: number }
  | { kind: "unstable-replaced"; index: number }
  | { kind: "unstable-truncated"; index: number }
  | { kind: "stable-missing"; index: number; snapshot: boolean }
  | { kind: "stable-mismatch"; index: number; term: number; present: number };

/** Why a snapshot was not taken. */
export type SnapshotRefused = "not-a-follower" | "not-a-member" | "applying-change";

/** Why a request for a transfer of leadership changed nothing. */
export type TransferIgnored = "learner" | "self" | "in-progress" | "no-leader" | "campaigning";

/** Whoever listens. */
export type Trace = (event: RaftEvent) => void;
