// The protocol, as one object: messages in, messages out, and no clock, timer or link of its own.
//
//   turn 0   both sides say hello, and which documents they have, in which version
//   turn 1   each sends what the other lacks; and from then on what is new, batched by turn
//   turn 2   each acknowledges what it has merged
//
// Each side opens at once: after half a round trip both know what the other lacks, and after one
// both have it. When only one side speaks first, the other's turn 0 and turn 1 are one message, and
// everything is everywhere after one and a half. Nothing of this depends on how much has diverged.
//
// There is no queue of updates. What a peer lacks is worked out when the link has room for it, from
// what it knows then: a peer that is slow, or was away, costs a version and not a backlog.
//
// Reference: the version vectors of D. S. Parker et al., 1983; anti-entropy, A. Demers et al., PODC
// 1987; deltas for exactly what is lacking, Almeida et al. 2018, §6.
import { CrdtSyncError, type CrdtSyncErrorCode } from "../errors.ts";
import { decodeMessage, encodeMessage, encodePart } from "../wire/codec.ts";
import type { Limits } from "../wire/limits.ts";
import type { Deny, Open, Part, Update } from "../wire/part.ts";
import { Channel } from "./channel.ts";
import type { SharedDocument } from "./document.ts";
import { PieceReader, PieceWriter } from "./pieces.ts";

/** What a connection needs of its node. */
export interface ConnectionHost {
  /** The node's name, and its session. */
  readonly name: string;
  readonly session: string;
  readonly limits: Limits;
  readonly documents: ReadonlyMap<string, SharedDocument>;
  /** Whether the peer may have that document. Default: any. */
  mayOpen?(document: string): boolean;
  /** Something worth telling has happened. */
  onEvent(event: ConnectionEvent): void;
}

/** What a connection tells. */
export type ConnectionEvent =
  | { readonly type: "wanted"; readonly document: string; readonly kind: string }
  | { readonly type: "merged"; readonly document: string; readonly bytes: number }
  | { readonly type: "refused"; readonly document: string; readonly error: CrdtSyncError }
  | { readonly type: "diverged"; readonly document: string }
  | { readonly type: "caughtUp"; readonly document: string };

/** A message to be sent, once what it says is durable. */
export interface Outgoing {
  readonly message: Uint8Array;
  /** Documents, with the revision that must be durable first. */
  readonly after: ReadonlyMap<SharedDocument, number>;
}

/** One end of a link. */
export class Connection {
  readonly #host: ConnectionHost;
  readonly #channels: Map<string, Channel> = new Map();
  readonly #byRemote: Map<number, Channel> = new Map();
  /** What the peer has opened and we have not. Bounded by `documentsMax`. */
  readonly #wanted: Map<string, Open> = new Map();
  /** Documents of ours that the peer may not have. Of these nothing is said on this link. */
  readonly #hidden: Set<string> = new Set();
  /** How often it has asked for one. Bounded by `documentsMax`. */
  #denials = 0;
  readonly #urgent: Part[] = [];
  #outgoing: PieceWriter | undefined;
  readonly #incoming: PieceReader;
  #channelNumbers = 0;
  #turn = 0;
  #isGreeted = false;
  /** The peer's name; undefined until it has said hello. */
  peer: string | undefined;
  /** The peer's session. */
  session: string | undefined;

  constructor(host: ConnectionHost) {
    this.#host = host;
    this.#incoming = new PieceReader(host.limits);
  }

  /** The channels, for those who count. */
  get channels(): Iterable<Channel> {
    return this.#channels.values();
  }

  /** Whether each document that both sides have is in one version, as far as is known here. */
  get isCaughtUp(): boolean {
    if (this.peer === undefined) return false;
    for (const channel of this.#channels.values()) {
      if (channel.isLive && !(channel.isCaughtUp && channel.unacked === 0)) return false;
    }
    return true;
  }

  /** The next message, if there is anything to say. */
  take(): Outgoing | undefined {
    const { batchBytes } = this.#host.limits;
    const parts: Uint8Array[] = [];
    const after = new Map<SharedDocument, number>();
    let bytes = 0;
    while (bytes < batchBytes) {
      const encoded = this.#outgoing?.next() ?? this.#encodeNext(after);
      if (encoded === undefined) break;
      if (this.#outgoing?.isDone) this.#outgoing = undefined;
      parts.push(encoded);
      bytes += encoded.length;
    }
    return parts.length === 0 ? undefined : { message: encodeMessage(parts), after };
  }

  /**
   * Takes in a message.
   *
   * @throws CrdtSyncError when the link is of no use any more
   */
  receive(message: Uint8Array, nowMs: number): void {
    for (const part of decodeMessage(message, this.#host.limits)) this.#receive(part, nowMs);
  }

  /** Something is to be said now and then: digests, and what members have seen. */
  recheck(): void {
    for (const channel of this.#channels.values()) {
      channel.isCheckDue = true;
      channel.areRowsDue = true;
    }
  }

  /** A sign of life is due. */
  ping(): void {
    this.#urgent.push({ type: "ping" });
  }

  /** A document is not kept any more. */
  close(name: string): void {
    this.#hidden.delete(name);
    const channel = this.#channels.get(name);
    if (channel === undefined) return;
    this.#forget(channel);
    if (channel.isOpenSent) this.#urgent.push({ type: "close", channel: channel.number });
  }

  /** The link is gone. */
  ended(nowMs: number): void {
    for (const channel of this.#channels.values()) {
      channel.document.presence.forget(channel, nowMs);
      channel.document.onChanged?.();
    }
  }

  #encodeNext(after: Map<SharedDocument, number>): Uint8Array | undefined {
    const part = this.#next(after);
    if (part === undefined) return undefined;
    const encoded = encodePart(part);
    const { batchBytes, partBytesMax } = this.#host.limits;
    if (encoded.length <= batchBytes) return encoded;
    if (encoded.length > partBytesMax) {
      const message = `${encoded.length} bytes to send, at most ${partBytesMax}`;
      throw new CrdtSyncError("SYNC_TOO_LARGE", message);
    }
    this.#outgoing = new PieceWriter(encoded, batchBytes);
    return this.#outgoing.next();
  }

  #next(after: Map<SharedDocument, number>): Part | undefined {
    if (!this.#isGreeted) {
      this.#isGreeted = true;
      return { type: "hello", name: this.#host.name, session: this.#host.session };
    }
    const urgent = this.#urgent.shift();
    if (urgent !== undefined) return urgent;
    this.#addChannels();
    const channels = [...this.#channels.values()];
    // In turns, so that a busy document does not keep the others waiting.
    for (let i = 0; i < channels.length; i++) {
      const channel = channels[(this.#turn + i) % channels.length] as Channel;
      const part = channel.next();
      if (part === undefined) continue;
      this.#turn = (this.#turn + i) % channels.length;
      if (part.type !== "presence") after.set(channel.document, channel.document.revision);
      return part;
    }
    return undefined;
  }

  #addChannels(): void {
    const { documents, limits } = this.#host;
    if (this.#channels.size + this.#hidden.size === documents.size) return;
    for (const [name, document] of documents) {
      if (this.#channels.has(name) || this.#channels.size >= limits.documentsMax) continue;
      if (this.#host.mayOpen?.(name) === false) {
        this.#hidden.add(name);
        continue;
      }
      const channel = new Channel(document, ++this.#channelNumbers, limits);
      this.#channels.set(name, channel);
      const wanted = this.#wanted.get(name);
      this.#wanted.delete(name);
      if (wanted !== undefined) this.#attempt(channel, () => this.#match(channel, wanted));
    }
  }

  #receive(part: Part, nowMs: number): void {
    if (part.type === "piece") {
      const whole = this.#incoming.add(part);
      if (whole !== undefined) this.#receive(whole, nowMs);
      return;
    }
    if (this.#incoming.isBusy) throw misplaced("something between two pieces");
    if (part.type === "hello") return this.#greet(part.name, part.session);
    if (this.peer === undefined) throw misplaced(`${part.type} before hello`);
    if (part.type === "ping") return;
    if (part.type === "open") return this.#open(part, nowMs);
    if (part.type === "deny") return this.#denied(part);
    const channel = this.#byRemote.get(part.channel);
    if (channel === undefined) return this.#withoutChannel(part);
    if (channel.refused === undefined || part.type === "close") {
      this.#attempt(channel, () => this.#act(channel, part, nowMs));
    }
  }

  #act(
    channel: Channel,
    part: Exclude<Part, { type: "open" | "piece" | "deny" }>,
    nowMs: number,
  ): void {
    const { document } = channel;
    switch (part.type) {
      case "update":
        return this.#update(channel, part);
      case "ack":
        if (!channel.acknowledged(part)) throw misplaced("an ack of what was never sent");
        return this.#joined(channel);
      case "check":
        if (channel.agrees(part)) return;
        document.mismatches++;
        return this.#host.onEvent({ type: "diverged", document: document.name });
      case "rows":
        for (const { member, version } of part.rows) {
          // What we have seen ourselves we know better; and only what is here counts.
          if (document.observe().covers(version)) document.joined(member, version);
        }
        return;
      case "presence":
        document.presence.receive(part.entries, channel, nowMs);
        return document.onChanged?.();
      case "refuse":
        throw new Refused(part.code, `${this.peer} refuses ${document.name}: ${part.message}`);
      case "close":
        return this.#forget(channel);
      default:
        throw misplaced(part.type);
    }
  }

  #greet(name: string, session: string): void {
    if (this.peer !== undefined) throw misplaced("a second hello");
    if (session === this.#host.session) {
      throw new CrdtSyncError("SYNC_SELF", "the link leads back to this very node");
    }
    this.peer = name;
    this.session = session;
  }

  #open(open: Open, nowMs: number): void {
    if (this.#byRemote.has(open.channel)) throw misplaced(`channel ${open.channel} is open`);
    if (this.#host.mayOpen?.(open.document) === false) return this.#deny(open.document);
    this.#addChannels();
    const channel = this.#channels.get(open.document);
    if (channel === undefined) {
      if (this.#wanted.size >= this.#host.limits.documentsMax) {
        throw new CrdtSyncError("SYNC_TOO_LARGE", "more documents than a link may have");
      }
      this.#wanted.set(open.document, open);
      this.#host.onEvent({ type: "wanted", document: open.document, kind: open.kind });
      return;
    }
    if (channel.remote !== undefined) throw misplaced(`${open.document} is open`);
    this.#attempt(channel, () => this.#match(channel, open));
    // To somebody new we say that we are here with a counter that nobody has called gone.
    channel.document.presence.renew(nowMs);
  }

  #deny(document: string): void {
    if (++this.#denials > this.#host.limits.documentsMax) {
      throw new CrdtSyncError("SYNC_TOO_LARGE", "more documents than a link may ask for");
    }
    const message = `${this.#host.name} does not let this peer have it`;
    this.#urgent.push({ type: "deny", document, message });
  }

  #denied({ document, message }: Deny): void {
    const channel = this.#channels.get(document);
    if (channel === undefined || channel.refused !== undefined) return;
    const error = new CrdtSyncError("SYNC_DENIED", `${document}: ${message}`);
    channel.refused = error;
    channel.document.presence.forget(channel, 0);
    this.#host.onEvent({ type: "refused", document, error });
  }

  #match(channel: Channel, open: Open): void {
    const { document } = channel;
    channel.remote = open.channel;
    this.#byRemote.set(open.channel, channel);
    if (open.kind !== document.replicated.kind) {
      const message = `${document.name} is a ${document.replicated.kind} here, and a ${open.kind} at ${this.peer}`;
      throw new CrdtSyncError("SYNC_KIND", message);
    }
    if (open.agent === document.replicated.agent) {
      document.idsReused++;
      const message = `${open.agent} writes in ${document.name} at both ends of a link`;
      throw new CrdtSyncError("SYNC_ID_REUSED", message);
    }
    document.check(open.writers, open.version);
    channel.opened(open);
    this.#joined(channel);
  }

  #update(channel: Channel, update: Update): void {
    const { document } = channel;
    if (update.number !== channel.received + 1) throw misplaced("an update out of order");
    const theirs = channel.claimed(update.version);
    document.check(update.writers, theirs);
    document.merge(update.bytes, theirs);
    channel.merged(update);
    this.#joined(channel);
    const { name } = document;
    this.#host.onEvent({ type: "merged", document: name, bytes: update.bytes.length });
    document.onChanged?.();
  }

  #joined(channel: Channel): void {
    channel.document.joined(this.peer as string, channel.peerVersion);
    if (!channel.isCaughtUp) return;
    this.#host.onEvent({ type: "caughtUp", document: channel.document.name });
  }

  // A document that is refused leaves the others on the link alone. What is wrong with the link
  // itself goes on to whoever holds it.
  #attempt(channel: Channel, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof CrdtSyncError) || !OF_DOCUMENTS.has(error.code)) throw error;
      channel.refused = error;
      const { code, message } = error;
      const isEcho = error instanceof Refused;
      if (!isEcho) channel.refusalDue = { type: "refuse", channel: channel.number, code, message };
      channel.document.presence.forget(channel, 0);
      this.#host.onEvent({ type: "refused", document: channel.document.name, error });
    }
  }

  // About a document that we do not have, or have just closed.
  #withoutChannel(
    part: Exclude<Part, { type: "piece" | "hello" | "ping" | "open" | "deny" }>,
  ): void {
    if (part.type !== "close") return;
    for (const [name, open] of this.#wanted) {
      if (open.channel === part.channel) this.#wanted.delete(name);
    }
  }

  #forget(channel: Channel): void {
    this.#channels.delete(channel.document.name);
    if (channel.remote !== undefined) this.#byRemote.delete(channel.remote);
    channel.document.presence.forget(channel, 0);
  }
}

const OF_DOCUMENTS: ReadonlySet<CrdtSyncErrorCode> = new Set([
  "SYNC_ID_REUSED",
  "SYNC_KIND",
  "SYNC_REFUSED",
]);

// The other side has refused: nothing is to be answered.
class Refused extends CrdtSyncError {}

function misplaced(what: string): CrdtSyncError {
  return new CrdtSyncError("SYNC_PROTOCOL", `not expected here: ${what}`);
}
