// One document on one link: what the peer knows of it, what it was told, and what is due.
import { CausalContext } from "@compendium/crdt";
import type { CrdtSyncError } from "../errors.ts";
import type { Limits } from "../wire/limits.ts";
import type { Ack, Check, Open, Part, Refuse, Row, Rows, Update } from "../wire/part.ts";
import type { SharedDocument } from "./document.ts";

/** An update on its way. */
interface Sent {
  readonly number: number;
  /** What a peer has that has merged it. */
  readonly version: CausalContext;
}

/** One document on one link. */
export class Channel {
  readonly document: SharedDocument;
  readonly number: number;
  /** The peer's number; undefined until it has opened the document. */
  remote: number | undefined;
  /** Why the document is not kept in sync on this link. */
  refused: CrdtSyncError | undefined;
  /** Invariant: while it is set, nothing else is said on this channel. */
  refusalDue: Refuse | undefined;
  isOpenSent = false;
  /** The acknowledgement that is due, if it is above the last one. */
  ackDue = 0;
  /** The number of the peer's last update. */
  received = 0;
  /** Whether a digest is due, as soon as both are of one version. */
  isCheckDue = true;
  /** Whether the other members' versions are due. */
  areRowsDue = false;
  readonly #limits: Limits;
  // Invariant: all of it is at the peer, or on its way there in order.
  #peerKnows: CausalContext = new CausalContext();
  // What the peer has claimed, or acknowledged. Less than it knows, while something is on its way.
  #said: CausalContext = new CausalContext();
  // What the peer has said, in messages that were taken in whole: it has been joined here.
  #peerVersion: CausalContext = new CausalContext();
  // What the peer has acknowledged while it held something back.
  #peerHalf: CausalContext = new CausalContext();
  // What the peer will believe that we have, once it has read what was sent.
  #told: CausalContext = new CausalContext();
  readonly #livesTold: Map<string, number> = new Map();
  readonly #sent: Sent[] = [];
  #number = 0;
  #acked = 0;
  #isAckedWhole = true;
  #seenRevision = -1;
  readonly #presencesSent: Map<string, number> = new Map();
  #presenceRevision = -1;

  constructor(document: SharedDocument, number: number, limits: Limits) {
    this.document = document;
    this.number = number;
    this.#limits = limits;
  }

  /** Whether both sides have opened it, and none has refused. */
  get isLive(): boolean {
    return this.isOpenSent && this.remote !== undefined && this.refused === undefined;
  }

  /** Whether the peer is known to have all that is here. */
  get isCaughtUp(): boolean {
    return this.#peerVersion.covers(this.document.observe());
  }

  /** How many updates are not acknowledged. */
  get unacked(): number {
    return this.#sent.length;
  }

  /** Says what is here. */
  open(): Open {
    const { document, number: channel } = this;
    const version = document.observe().copy();
    this.isOpenSent = true;
    this.#told = version.copy();
    for (const [agent, count] of document.writers.counts()) this.#livesTold.set(agent, count);
    const { kind, agent } = document.replicated;
    const { name, writers } = document;
    return { type: "open", channel, document: name, kind, agent, version, writers };
  }

  /** The peer has opened it, in that version. */
  opened(open: Open): void {
    this.remote = open.channel;
    this.#peerKnows = open.version.copy();
    this.#peerVersion = new CausalContext();
    this.#opening = open.version;
    this.#said = open.version.copy();
  }

  // What the peer had when it opened: joined here only when its first update has come, or when it
  // was here already.
  #opening: CausalContext | undefined;

  /** What there is to say now, the most important first; undefined: nothing. */
  next(): Part | undefined {
    if (this.refusalDue !== undefined) return this.#take();
    if (this.refused !== undefined) return undefined;
    if (!this.isOpenSent) return this.open();
    if (!this.isLive) return undefined;
    return this.#update() ?? this.#ack() ?? this.#check() ?? this.#rows() ?? this.#presences();
  }

  #take(): Refuse | undefined {
    const due = this.refusalDue;
    this.refusalDue = undefined;
    return due;
  }

  /** All that the peer claims to have, once its update is in. */
  claimed(news: CausalContext): CausalContext {
    const claimed = this.#said.copy();
    claimed.join(news);
    return claimed;
  }

  /** The peer's update was merged. */
  merged(update: Update): void {
    this.received = update.number;
    this.ackDue = update.number;
    this.isCheckDue = true;
    this.#peerKnows.join(update.version);
    this.#said.join(update.version);
    // The acknowledgement says that all of that is here.
    this.#told.join(this.#said);
    this.#peerVersion.join(update.version);
    this.#settleOpening();
  }

  /** The peer has all up to that update; false when it was never sent. */
  acknowledged({ number, isWhole }: Ack): boolean {
    if (number > this.#number) return false;
    while (this.#sent.length > 0 && (this.#sent[0] as Sent).number <= number) {
      const { version } = this.#sent.shift() as Sent;
      this.#said.join(version);
      this.#peerHalf.join(version);
    }
    if (isWhole) {
      this.#peerVersion.join(this.#peerHalf);
      this.#peerHalf = new CausalContext();
    }
    return true;
  }

  /** What of the peer's version is known to be joined here. */
  get peerVersion(): CausalContext {
    this.#settleOpening();
    return this.#peerVersion;
  }

  /** Compares digests, where both are of one version; false when they differ. */
  agrees({ digest }: Check): boolean {
    const { document } = this;
    if (!this.peerVersion.equals(document.observe()) || document.digest() === digest) return true;
    // A removal inside of what is hidden changes nothing that is read, and may not have been told.
    document.replicated.refresh?.();
    return !this.peerVersion.equals(document.observe());
  }

  // A peer that had nothing which was not here sends no first update.
  #settleOpening(): void {
    const opening = this.#opening;
    if (opening === undefined || !this.document.observe().covers(opening)) return;
    this.#opening = undefined;
    this.#peerVersion.join(opening);
  }

  #update(): Update | undefined {
    const { document } = this;
    if (this.#sent.length >= this.#limits.unackedMax) return undefined;
    const version = document.observe();
    if (this.#seenRevision === document.revision) return undefined;
    this.#seenRevision = document.revision;
    if (this.#peerKnows.covers(version)) return undefined;
    const bytes = document.replicated.since(this.#peerKnows);
    const writers = document.writers.since(this.#livesTold);
    for (const [agent, count] of document.writers.counts()) this.#livesTold.set(agent, count);
    const news = version.minus(this.#told);
    this.#told.join(version);
    this.#peerKnows.join(version);
    const number = ++this.#number;
    this.#sent.push({ number, version: version.copy() });
    this.isCheckDue = true;
    return { type: "update", channel: this.number, number, version: news, writers, bytes };
  }

  // Where too much is unacknowledged there may be an edit that is held back, and the peer waits for
  // this all the same: both could be full. When the edit has gone, it is said again.
  #ack(): Ack | undefined {
    if (this.ackDue === this.#acked && this.#isAckedWhole) return undefined;
    const isWhole = this.#peerKnows.covers(this.document.observe());
    if (this.ackDue === this.#acked && !isWhole) return undefined;
    this.#acked = this.ackDue;
    this.#isAckedWhole = isWhole;
    return { type: "ack", channel: this.number, number: this.ackDue, isWhole };
  }

  #check(): Check | undefined {
    if (!this.isCheckDue) return undefined;
    const version = this.document.observe();
    const isQuiet = this.#sent.length === 0 && this.#said.equals(version);
    if (!isQuiet || !this.#told.equals(version)) return undefined;
    this.isCheckDue = false;
    return { type: "check", channel: this.number, digest: this.document.digest() };
  }

  // After all that was joined here has been sent: what the others have seen holds there as well.
  #rows(): Rows | undefined {
    if (!this.areRowsDue || !this.#peerKnows.covers(this.document.observe())) return undefined;
    this.areRowsDue = false;
    const rows: Row[] = [];
    for (const [member, version] of this.document.members) {
      if (!version.isEmpty) rows.push({ member, version: version.copy() });
    }
    return rows.length === 0 ? undefined : { type: "rows", channel: this.number, rows };
  }

  #presences(): Part | undefined {
    const { presence } = this.document;
    if (presence.revision === this.#presenceRevision) return undefined;
    this.#presenceRevision = presence.revision;
    const entries = presence.news(this, this.#presencesSent);
    return entries.length === 0 ? undefined : { type: "presence", channel: this.number, entries };
  }
}
