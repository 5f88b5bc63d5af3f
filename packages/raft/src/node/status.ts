// What a node tells of itself: what it is and knows now, and what it has done. Plain numbers, and
// copies; reading them changes nothing. src/metrics shows them.
import type { Status } from "../core/raw-node.ts";
import type { PeerNetworkStats } from "../net/peer-network.ts";
import type { WalStats } from "../wal/write-ahead-log.ts";
import type { EngineCounts } from "./counts.ts";
import type { ProposalEnding, ReadEnding } from "./endings.ts";
import type { MemberRecord } from "./replicated-state.ts";

/** What a node is and knows. */
export interface NodeStatus extends Status {
  /** The members' addresses and disks, as of the last applied entry. */
  readonly group: ReadonlyMap<number, MemberRecord>;
  /** Whether it does not lead or vote for now, because its disk does not write. */
  readonly isStalled: boolean;
  /** Whether it was closed or has failed, and does nothing any more. */
  readonly hasEnded: boolean;
  /** How many sessions there are. */
  readonly sessions: number;
  /** The bytes of the last snapshot that was made here. */
  readonly snapshotBytes: number;
  /** The index of the snapshot that the log begins with. */
  readonly snapshotIndex: number;
  /** Why another member would not talk to this one, the last time that happened. */
  readonly lastRefusal: string | undefined;
}

/** What a node has done since it was opened. */
export interface NodeStats extends Readonly<EngineCounts> {
  /** Proposals that wait now. */
  readonly proposalsWaiting: number;
  /** Their bytes. */
  readonly proposalBytesWaiting: number;
  /** The proposals that wait no more, by how they ended. */
  readonly proposals: Readonly<Record<ProposalEnding, number>>;
  /** Reads that wait now. */
  readonly readsWaiting: number;
  /** The reads that wait no more, by how they ended. */
  readonly reads: Readonly<Record<ReadEnding, number>>;
  /** Questions that were asked to confirm reads; each confirms many. */
  readonly readRounds: number;
  /** Commands of sessions that had been carried out before. */
  readonly repeats: number;
  /** Snapshots that were made here. */
  readonly snapshotsMade: number;
  /** Snapshots that the disk had no room for. */
  readonly snapshotsRefused: number;
  /** Writes that the disk refused, and that were tried again. */
  readonly writeRetries: number;
  /** The log. */
  readonly wal: WalStats;
  /** The network. */
  readonly network: PeerNetworkStats;
}
