// How the members of a group reach each other, as a node sees it. Raft asks little of a network:
// messages may be lost, late, or in another order, and whoever is not reached is tried again. So
// nothing here waits, and nothing is promised; what is dropped is counted, and a leader is told so
// that it probes instead of streaming into the void.
//
// What is asked for all the same: a message arrives at most once (a proposal that is forwarded to
// the leader would be appended twice), heartbeats and votes do not stand behind megabytes of
// entries, and a snapshot, which may be large, takes a way of its own and is accounted for.
import type { Message } from "../core/message.ts";

/** Who is at the other end of a link. */
export interface PeerIdentity {
  /** The member that it says it is. */
  readonly id: number;
  /** The disk that it says it has: drawn when the disk was first used, lost with it. */
  readonly diskId: number;
}

/** What a network tells the node that it belongs to; each call is made on a turn of its own. */
export interface PeerReceiver {
  /** A message has arrived. */
  receive(message: Message): void;
  /** What was last sent to that member could not be delivered. */
  unreachable(id: number): void;
  /** A snapshot has reached that member, or will not. Called once for each that was sent. */
  snapshotSettled(id: number, delivered: boolean): void;
  /** Somebody wants to talk. Undefined to let it; else why not, which it is told. */
  admit(peer: PeerIdentity): string | undefined;
  /** A member refuses to talk to this node, for that reason. It is asked again later. */
  refused(id: number, reason: string): void;
}

/** What a network has done since it was started. */
export interface PeerNetworkStats {
  /** Messages handed to a link. */
  readonly messagesSent: number;
  /** Messages received. */
  readonly messagesReceived: number;
  /** Messages that were dropped, because there was no link or no room. */
  readonly messagesDropped: number;
  /** Bytes handed to links. */
  readonly bytesSent: number;
  /** Bytes received. */
  readonly bytesReceived: number;
  /** Links that were opened, by either side. */
  readonly linksOpened: number;
  /** Members to which there is a link now. */
  readonly linksOpen: number;
  /** Snapshots that have reached a member. */
  readonly snapshotsSent: number;
  /** Snapshots that have failed to. */
  readonly snapshotsFailed: number;
}

/** The way to the other members. It belongs to one node, which starts and closes it. */
export interface PeerNetwork {
  /** Begins to listen. Who has started it closes it. */
  start(self: PeerIdentity, receiver: PeerReceiver): Promise<void>;
  /** Where the others are: replaces what was said before. Links to who is not named are closed. */
  setPeers(addresses: ReadonlyMap<number, string>): void;
  /**
   * Hands over messages, and never waits. Appends and proposals to one member keep their order; all
   * else may overtake them.
   */
  send(messages: readonly Message[]): void;
  /** What it has done. */
  stats(): PeerNetworkStats;
  /** Lets go of every link, after what is queued has been sent for a bounded time. */
  close(): Promise<void>;
}
