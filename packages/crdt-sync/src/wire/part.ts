// What travels. A message is a batch of parts: all that a turn has to say. A channel is a document
// on a link; each side numbers its own, and a part bears the number of whoever sends it.
import type { CausalContext } from "@compendium/crdt";
import type { Writers } from "../core/writers.ts";
import type { CrdtSyncErrorCode } from "../errors.ts";

/** Who is speaking: the first part of either side. */
export interface Hello {
  readonly type: "hello";
  /** The node's name: the region, say. */
  readonly name: string;
  /** 16 hexadecimal digits, drawn when the node was made. */
  readonly session: string;
}

/** A document is here, in this version. Both sides send theirs at once, and wait for nothing. */
export interface Open {
  readonly type: "open";
  readonly channel: number;
  readonly document: string;
  readonly kind: string;
  /** Under which name the sender writes in it. */
  readonly agent: string;
  readonly version: CausalContext;
  readonly writers: Writers;
}

/** The document is not kept in sync any more. */
export interface Close {
  readonly type: "close";
  readonly channel: number;
}

/** What the other side lacks. */
export interface Update {
  readonly type: "update";
  readonly channel: number;
  /** 1, 2, 3, …; acknowledged by it. */
  readonly number: number;
  /** What of the sender's version has not been told before. */
  readonly version: CausalContext;
  /** What of its list of writers has not. */
  readonly writers: Writers;
  /** For the replica to merge. */
  readonly bytes: Uint8Array;
}

/** All updates up to that number are merged, and durable. */
export interface Ack {
  readonly type: "ack";
  readonly channel: number;
  readonly number: number;
  /**
   * Whether the sender has nothing left to say that it had before it said this. Only then it stands
   * for a state: an edit that is held back was made without knowing what is acknowledged here.
   */
  readonly isWhole: boolean;
}

/** The digest of the version that the sender has told. */
export interface Check {
  readonly type: "check";
  readonly channel: number;
  readonly digest: string;
}

/** Versions of other members whose states the sender has joined. */
export interface Rows {
  readonly type: "rows";
  readonly channel: number;
  readonly rows: readonly Row[];
}

/** One member's. */
export interface Row {
  readonly member: string;
  readonly version: CausalContext;
}

/** Who is there, and where. */
export interface Presences {
  readonly type: "presence";
  readonly channel: number;
  readonly entries: readonly PresenceEntry[];
}

/** The state of one node. The higher counter wins; of one counter, what is gone. */
export interface PresenceEntry {
  readonly session: string;
  readonly counter: number;
  /** JSON; undefined for one that is gone. */
  readonly state: string | undefined;
}

/** The sender takes no part in this document on this link. */
export interface Refuse {
  readonly type: "refuse";
  readonly channel: number;
  readonly code: CrdtSyncErrorCode;
  readonly message: string;
}

/** The sender does not let the receiver have that document, whether it is there or not. */
export interface Deny {
  readonly type: "deny";
  readonly document: string;
  readonly message: string;
}

/** A piece of a part that is too large for a message. Nothing else comes between the pieces. */
export interface Piece {
  readonly type: "piece";
  /** How many bytes the part has. */
  readonly total: number;
  /** Where this piece begins. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** The CRC-32C of the part up to the end of this piece. */
  readonly check: number;
}

/** A sign of life. */
export interface Ping {
  readonly type: "ping";
}

/** Anything of these. */
export type Part =
  | Hello
  | Open
  | Close
  | Update
  | Ack
  | Check
  | Rows
  | Presences
  | Refuse
  | Piece
  | Ping
  | Deny;
